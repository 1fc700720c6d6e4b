-- The lock on money that goes out, and its PIN. One row.

CREATE TABLE spend_lock (
    one        INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    verifier   TEXT,                                              -- argon2id, in PHC form; NULL: there is no PIN
    is_shut    INTEGER NOT NULL DEFAULT 0 CHECK (is_shut IN (0, 1)),
    open_until INTEGER,                                           -- shut, and yet open until then
    misses     INTEGER NOT NULL DEFAULT 0 CHECK (misses >= 0),    -- wrong PINs since the last right one
    tried_at   INTEGER                                            -- when the last try began
) STRICT;
INSERT INTO spend_lock (one) VALUES (1);
