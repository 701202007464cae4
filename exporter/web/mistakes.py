"""Mistakes in the web configuration file as lines that anybody may read: secrets stay hidden."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from exporter.web.tls import CIPHERS, CIPHERS_TLS13, CURVES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

    from exporter.web.config import TLSServer

HIDDEN: Final = "(hidden)"

_RIGHT: Final = {
    "bool_type": "true or false",
    "string_type": "text, in quotes where YAML reads it as something else",
    "path_type": "the path of a PEM file",
    "int_type": "a whole number",
    "tuple_type": "a list",
    "dict_type": "a mapping of names to values",
    "model_type": "a mapping of settings",
}


def line(error: ErrorDetails, settings: Mapping[str, Sequence[str]]) -> str:
    """
    Say one finding of pydantic as place, value and what would be right.

    Args:
        error: The finding.
        settings: The names that exist in each section; "" is the file itself.
    """
    loc = error["loc"]
    place = "".join(f"[{p}]" if isinstance(p, int) else f".{part(p)}" for p in loc).lstrip(".")
    # What is a key here is text in YAML's eyes only when it is quoted or has a letter.
    place = place.removesuffix(".[key]")
    secret = loc[0] == "basic_auth_users" or loc[-1] in {"key", "cert", "client_ca"}
    value = HIDDEN if secret else shown(error["input"])
    match error["type"]:
        case "extra_forbidden":
            known = ", ".join(settings[str(loc[0]) if len(loc) > 1 else ""])
            return f"{place}: {HIDDEN}: no such setting; write one of {known}"
        case "literal_error":
            choices = error["ctx"]["expected"].replace("'", "")
            older = "; older versions are broken" if "version" in str(loc[-1]) else ""
            return f"{place}: {value}: write {choices}{older}"
        case "value_error":
            return f"{place}: {value}: {error['msg'].removeprefix('Value error, ')}"
        case kind:
            return f"{place}: {value}: write {_RIGHT.get(kind, 'something else')}"


def of_tls(tls: TLSServer) -> Iterator[str]:
    """Find what each setting allows by itself but not together, or not with this TLS library."""
    if not tls.model_fields_set:
        return
    here = "tls_server_config"
    for one in ("cert", "key", "client_ca"):
        inline, file = getattr(tls, one), getattr(tls, f"{one}_file")
        if inline and file:
            yield f"{here}.{one}: {HIDDEN}: set either {one} or {one}_file, not both"
        elif not inline and not file and one != "client_ca":
            yield f"{here}.{one}_file: missing: TLS needs it; write the path of a PEM file"
    auth, has_ca = tls.client_auth_type, bool(tls.client_ca or tls.client_ca_file)
    if auth in {"VerifyClientCertIfGiven", "RequireAndVerifyClientCert"} and not has_ca:
        yield f'{here}.client_auth_type: "{auth}": set client_ca_file as well'
    if auth == "RequireAnyClientCert" and not has_ca:
        yield (
            f'{here}.client_auth_type: "{auth}": a certificate that nobody vouches for proves '
            "nothing and OpenSSL refuses it; write RequireAndVerifyClientCert, set client_ca_file"
        )
    if auth == "NoClientCert" and has_ca:
        yield (
            f'{here}.client_auth_type: "{auth}": a client CA is set but no certificate would be '
            "asked for; write RequireAndVerifyClientCert"
        )
    if tls.client_allowed_sans and not auth.startswith("Require"):
        yield (
            f'{here}.client_auth_type: "{auth}": client_allowed_sans is set, so a certificate '
            "must be required; write RequireAndVerifyClientCert"
        )
    if tls.min_version > tls.max_version:
        yield f'{here}.min_version: "{tls.min_version}": must not be above max_version'
    yield from _of_ciphers(tls)


def _of_ciphers(tls: TLSServer) -> Iterator[str]:
    here = "tls_server_config"
    for position, name in enumerate(tls.cipher_suites):
        if name not in CIPHERS and name not in CIPHERS_TLS13:
            known = ", ".join((*CIPHERS, *CIPHERS_TLS13))
            yield f"{here}.cipher_suites[{position}]: {shown(name)}: write one of {known}"
    if (
        tls.cipher_suites
        and tls.max_version == "TLS12"
        and CIPHERS.keys().isdisjoint(tls.cipher_suites)
    ):
        yield f"{here}.cipher_suites: has no suite of TLS 1.2, but max_version is TLS12; add one"
    for position, name in enumerate(tls.curve_preferences):
        if name not in CURVES:
            known = ", ".join(CURVES)
            yield f"{here}.curve_preferences[{position}]: {shown(name)}: write one of {known}"
    if len(tls.curve_preferences) > 1:
        yield (
            f"{here}.curve_preferences: {shown(list(tls.curve_preferences))}: write one curve or "
            "leave it out; Python's TLS takes one or OpenSSL's own order"
        )


def part(name: object) -> str:
    """Return a key as it may be shown: with key and value swapped it would be a hash."""
    text = str(name)
    return HIDDEN if _secret(text) else text


def shown(value: object) -> str:
    """Return a value as an error may show it: not a pasted key or hash, and not too long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    longest = 200  # a path may be long, and its end is what tells
    if _secret(text):
        return HIDDEN
    return text if len(text) <= longest else f"{text[:longest]}…"


def _secret(text: str) -> bool:
    return "-----BEGIN" in text or "$2" in text
