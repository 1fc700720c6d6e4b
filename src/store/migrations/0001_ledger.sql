-- The provider's ledger. Money in integer msats, times in unix milliseconds, ids and keys as 32-byte blobs.
-- Payments, invoices, requests and offers get tables of their own when they are built; nothing here stands in their way.

CREATE TABLE jobs (
    id             BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 32), -- the request's event id, whole
    buyer          BLOB    NOT NULL CHECK (length(buyer) = 32),
    kind           INTEGER NOT NULL CHECK (kind BETWEEN 5000 AND 5999),
    created_at     INTEGER NOT NULL, -- the buyer's clock
    seen_at        INTEGER NOT NULL, -- ours
    updated_at     INTEGER NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('seen', 'refused', 'quoted', 'expired', 'paid', 'running', 'answered',
                       'done', 'failed', 'refund_due', 'refunded', 'written_off', 'awaiting_payment', 'settled', 'unpaid', 'cancelled')),
    policy         TEXT    NOT NULL CHECK (policy IN ('pay-first', 'result-first', 'free')),
    payment        TEXT    NOT NULL CHECK (payment IN ('none', 'received')),
    scheme         TEXT    NOT NULL CHECK (scheme IN ('plain', 'nip04', 'nip44')),
    address        TEXT    NOT NULL CHECK (address IN ('open', 'targeted')),
    model          TEXT,             -- as asked for
    ran_model      TEXT,
    backend        TEXT,
    sampling       TEXT    NOT NULL, -- JSON
    prompt         TEXT,             -- NULL in private mode
    prompt_sha256  BLOB    NOT NULL CHECK (length(prompt_sha256) = 32),
    prompt_chars   INTEGER NOT NULL CHECK (prompt_chars >= 0),
    request        TEXT,             -- the signed request as it came; NULL in private mode
    bid_msats      INTEGER CHECK (bid_msats >= 0),
    price_msats    INTEGER NOT NULL CHECK (price_msats >= 0),
    reason_code    TEXT,
    reason         TEXT,
    started_at     INTEGER,
    answered_at    INTEGER,
    delivered_at   INTEGER,
    ended_at       INTEGER,
    prompt_tokens  INTEGER,
    answer_tokens  INTEGER,
    answer_ns      INTEGER,
    infer_ms       INTEGER,
    finish         TEXT CHECK (finish IN ('stop', 'length'))
) STRICT;

-- One page of the history, newest first, whatever the filter: the keyset is (seen_at, id).
CREATE INDEX jobs_by_time ON jobs (seen_at, id);
-- The same page for one state; also what is unfinished, oldest first.
CREATE INDEX jobs_by_state ON jobs (state, seen_at, id);

-- Every change of every job, in order. Replaying it gives the job's state.
CREATE TABLE journal (
    job        BLOB    NOT NULL REFERENCES jobs (id),
    seq        INTEGER NOT NULL CHECK (seq >= 0),
    at         INTEGER NOT NULL,
    fact       TEXT,             -- NULL for the claim itself
    from_state TEXT,
    to_state   TEXT    NOT NULL,
    PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;

-- The signed answer, byte for byte as it is published; in private mode only that there is one.
-- A row here means: never run this job again.
CREATE TABLE results (
    job        BLOB    NOT NULL PRIMARY KEY REFERENCES jobs (id),
    event_id   BLOB    NOT NULL UNIQUE CHECK (length(event_id) = 32),
    event      TEXT,             -- NULL in private mode
    text       TEXT,             -- NULL in private mode
    sha256     BLOB    NOT NULL CHECK (length(sha256) = 32),
    truncated  INTEGER NOT NULL CHECK (truncated IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT;

-- How each relay took what we sent, in its own words.
CREATE TABLE publications (
    job      BLOB    NOT NULL,
    event_id BLOB    NOT NULL CHECK (length(event_id) = 32),
    what     TEXT    NOT NULL CHECK (what IN ('result', 'feedback')),
    relay    TEXT    NOT NULL,
    refusal  TEXT,             -- NULL: taken
    at       INTEGER NOT NULL
) STRICT;
CREATE INDEX publications_by_job ON publications (job, at);

-- Requests turned away without a row, remembered past anything a relay could replay.
CREATE TABLE seen (
    id BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_by_time ON seen (at);

-- The newest request seen, per subscription, in seconds of the buyers' clocks.
CREATE TABLE cursors (
    name       TEXT    NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Refusals by day (days since 1970 in UTC) and reason.
CREATE TABLE refusals (
    day   INTEGER NOT NULL,
    code  TEXT    NOT NULL,
    count INTEGER NOT NULL CHECK (count > 0),
    PRIMARY KEY (day, code)
) STRICT, WITHOUT ROWID;

-- Totals by day, written in the transaction that changes a job.
CREATE TABLE daily_stats (
    day           INTEGER NOT NULL PRIMARY KEY,
    jobs          INTEGER NOT NULL DEFAULT 0,
    done          INTEGER NOT NULL DEFAULT 0,
    failed        INTEGER NOT NULL DEFAULT 0,
    refused       INTEGER NOT NULL DEFAULT 0,
    cancelled     INTEGER NOT NULL DEFAULT 0,
    prompt_tokens INTEGER NOT NULL DEFAULT 0,
    answer_tokens INTEGER NOT NULL DEFAULT 0,
    earned_msats  INTEGER NOT NULL DEFAULT 0
) STRICT;
