"""
The constants of the detector, each with its reason. One set serves all series.

They were chosen on plateaus, among about 120 variants on the open half of NAB and 14 families of
normal series. With all of them the standard profile of NAB scores 78; half-lives from 50 to 75,
clips from 0.5 to 0.9, shares of the worst block from 1 to 2.5 and other weights of the season gave
74 to 78. Less flat are

* the margin of a new peak: 1.0 without a factor gave 71 (of 74.5 then), none at all 33;
* the spacings of the tail: 8 gave 74, 16 gave 71;
* the threshold, which is a trade: at 1.7 there are 0.5 false alarms a series and week, 0.3 at 2.0
  (NAB 69), 0.2 at 2.5 (NAB 61).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DAY_S: Final = 86_400.0
WEEK_S: Final = 7 * DAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that is tuned; times in seconds or samples as the name says."""

    # --- blocks of highest and lowest values ---
    # 24 blocks: at a day each, over three weeks of memory; at half of it, 12, the tail fit still
    # has 6 spacings.
    blocks: int = 24
    # The first block lasts 22.5 minutes, 45 samples at 30 s. Whenever all blocks are full,
    # neighbours are
    # merged and the length doubles, up to one day: a series a few hours old has its own marks
    # already.
    first_block_s: float = DAY_S / 64
    last_block_s: float = DAY_S
    # Four blocks: one may be an incident, two give a spacing, one is spare.
    ready_blocks: int = 4
    # From so many blocks on, two neighbours may be left out as one incident; of blocks of a day,
    # two weekends must be in.
    pair_blocks: int = 8
    pair_days: int = 16
    # The first 20 samples are where the means settle; they are no records.
    lead_samples: int = 20

    # --- tail ---
    # At most the 10 highest block maxima fit the tail: more reach into the body of the
    # distribution, fewer are noise.
    tail_max: int = 10
    # The worst block raises the mark by at most two typical excesses: an incident must not blind
    # the detector,
    # but the rare highs of a heavy tail belong to the series.
    worst_share: float = 2.0
    # A mark of m blocks is passed about 1.5 times in m blocks (worst block half counted).
    rank: float = 1.5

    # --- views ---
    # Weights of the moving means (centre of mass 1, 3, 24 and 144 samples): what was just now,
    # the last minutes,
    # the last half hour, the last hours at 30 s.
    mean_weights: tuple[float, ...] = (1 / 2, 1 / 3.5, 2 / 49, 2 / 289)
    # Predictors are compared by their mean absolute error over about 288 samples, ...
    predictor_weight: float = 2 / 577
    # ... and changed only for one that is 10 % better, so that marks are not mixed for nothing.
    predictor_gain: float = 0.9
    # A value enters the means clipped to 0.7 ranges around the middle of its range: 0.2 ranges
    # beyond the marks
    # show a shift in full, and one outlier of any size moves no mean far.
    clip_ranges: float = 0.7
    # The clipping range follows a trend and a new level: it reaches at least half as far from the
    # mean of the last hours.
    follow: float = 0.5
    # Floors of the typical excess, in typical steps of the series (mean absolute change): a
    # series of whole
    # numbers must pass its mark by about a step, a mean by as much less as it averages.
    floor_value: float = 0.25
    floor_forecast: float = 0.5
    floor_short: float = 0.1
    floor_mid: float = 0.03
    floor_dispersion: float = 0.05
    # A run of equal values must outlast the longest so far by a quarter before it counts one
    # excess.
    floor_run: float = 0.25
    # Relative floor, against rounding only: doubles hold 16 digits.
    floor_relative: float = 1e-9

    # --- season ---
    # 48 bins of half an hour, linear in between; a bin is the mean of about the last seven days.
    bins: int = 48
    bin_days: int = 7
    # The residual is smoothed over 12 samples: the profile looks for rhythms, not for spikes.
    season_weight: float = 1 / 12
    # Until a week and a day has passed, the weekend may be unknown: a residual below about a
    # third of the
    # profile's amplitude says nothing. (Weekends of business series are 20-40 % flatter.)
    young_days: float = 8.0
    young_amplitude: float = 0.35
    # Nor is it known what else it breaks: its evidence is then at most a little more than the
    # threshold. A broken rhythm is told, once, and a weekend does not grow with every hour.
    young_evidence: float = 1.95
    # Hour of the week: half of what the daily profile left over is believed, so that one odd week
    # weighs little.
    week_trust: float = 0.5
    week_weight: float = 0.25

    # --- fusion and events ---
    # A second, different kind of view that also finds the value unusual adds a fifth of its
    # evidence.
    second_opinion: float = 0.2
    # Evidence that lasts (mean of about the last three samples, each at most 3) adds a tenth.
    persistence: float = 0.1
    persistence_weight: float = 0.3
    persistence_cap: float = 3.0
    # Only a new peak is an event: half as much again, and a half more, than the peak before.
    peak_factor: float = 1.5
    peak_margin: float = 0.5
    # The peak is forgotten with a half-life of 60 samples, ten times slower while the evidence
    # lasts (above 0.3 of the peak).
    half_life: float = 60.0
    hold_factor: float = 10.0
    hold_share: float = 0.3
    # What was told is not forgotten at all while the evidence lasts: constant evidence is no news.
    # An incident that was told is told again at twice its evidence and a half more, not before.
    told_factor: float = 2.0
    # Evidence at which an event is flagged: nominally one false alarm of one view in 10**1.7 = 50
    # days.
    threshold: float = 1.7


DEFAULT: Final = Settings()
# score = evidence / (evidence + threshold): one half at the threshold, never saturated.
DEFAULT_THRESHOLD: Final = 0.5
