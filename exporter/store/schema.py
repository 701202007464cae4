"""The tables. Times are Unix seconds; a change here is a new migration (migrations.py)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA: Final = MetaData()

# Version of the schema, key of form tokens: one row for each.
META: Final = Table(
    "meta",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

# Who did what. Written before the action, closed after it, never changed otherwise.
AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("who", String(64), nullable=False),
    Column("via", String(16), nullable=False),  # page, api, system
    Column("action", String(64), nullable=False),
    Column("target", String(512), nullable=False),  # what it acts on, in one canonical text
    Column("parameters", JSON, nullable=False),
    # One-time: a second POST with it finds this row. Holds user and action too.
    Column("key", String(200), unique=True),
    Column("state", String(16), nullable=False),  # started, done, refused, failed, unknown
    Column("message", Text, nullable=False),
    Column("details", JSON, nullable=False),  # before and after, and what the API answered
    Column("closed_at", Float),
    Column("instance", String(36), nullable=False),  # the process that ran it
    Index("audit_action_target", "action", "target", "at"),
)

# One row for each time that an alert fired, from its start to its end.
ALERTS: Final = Table(
    "alerts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("starts_at", Float, nullable=False),
    Column("name", String(256), nullable=False),
    Column("severity", String(32), nullable=False),
    Column("backend", String(256), nullable=False),
    Column("labels", JSON, nullable=False),
    Column("annotations", JSON, nullable=False),
    Column("status", String(8), nullable=False, index=True),  # firing, resolved
    Column("first_seen", Float, nullable=False),
    Column("last_seen", Float, nullable=False),
    Column("ends_at", Float),
    Column("ended_by", String(16)),  # resolved, reconciled, superseded
    Column("words", Text, nullable=False),  # all texts in lower case, for searching
    UniqueConstraint("fingerprint", "starts_at", name="alerts_once"),
    Index("alerts_time", "starts_at"),
)

# What people said of an alert, and the silence that follows from it.
ACKNOWLEDGEMENTS: Final = Table(
    "acknowledgements",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),  # acknowledge, dismiss
    Column("alertname", String(256), nullable=False),
    Column("backend", String(256), nullable=False),
    Column("labels", JSON, nullable=False),  # equality matchers, two at least
    Column("severity", String(32), nullable=False),  # the gravest when it was said
    Column("who", String(64), nullable=False),
    Column("comment", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("silence_id", String(64)),
    Column("silence_ends_at", Float),
    Column("ended_at", Float, index=True),
    Column("ended_by", String(16)),  # resolved, escalated, expired, withdrawn, silence
)

# Each change is a version of its own; the highest is in force.
PREFERENCES: Final = Table(
    "preferences",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("who", String(64), nullable=False),
    Column("data", JSON, nullable=False),
)

# Who does a job among replicas, and which processes live.
LEASES: Final = Table(
    "leases",
    METADATA,
    Column("name", String(128), primary_key=True),
    Column("holder", String(36), nullable=False),
    Column("until", Float, nullable=False),
)

SESSIONS: Final = Table(
    "sessions",
    METADATA,
    Column("id", String(64), primary_key=True),  # SHA-256 of the cookie's value
    Column("who", String(64), nullable=False),
    Column("at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("credential", String(64), nullable=False),  # another password ends it
)

# Users without a web configuration file: the first one.
PASSWORDS: Final = Table(
    "passwords",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("hash", String(60), nullable=False),
    Column("at", Float, nullable=False),
    Column("initial", Boolean, nullable=False),  # must be changed at first login
)
