from __future__ import annotations

from exporter.catalogue.verdicts import FAILURES, Tone, Verdict


def test_no_two_verdicts_read_the_same_and_each_has_a_sign() -> None:
    assert len({verdict.words for verdict in Verdict}) == len(Verdict)
    assert len({tone.sign for tone in Tone}) == len(Tone)
    assert all("_" not in verdict.words for verdict in Verdict)


def test_the_words_fit_into_a_table_of_80_columns() -> None:
    assert max(len(verdict.words) for verdict in Verdict) == len("not applicable")


def test_only_a_failure_looks_like_one() -> None:
    looks_failed = {verdict for verdict in Verdict if verdict.tone in {Tone.WARN, Tone.BAD}}

    assert looks_failed == set(FAILURES)
    assert Verdict.NOT_OFFERED.tone is Tone.IDLE
    assert Verdict.TIMEOUT.tone is Tone.WARN
