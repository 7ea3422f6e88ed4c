CREATE TABLE cameras (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    count INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE people (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    count INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE photos (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    taken INTEGER NOT NULL,
    received INTEGER NOT NULL,
    time TEXT NOT NULL,
    media TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    hash TEXT NOT NULL,
    camera INTEGER REFERENCES cameras,
    camera_name TEXT NOT NULL,
    person INTEGER REFERENCES people,
    person_name TEXT NOT NULL,
    name TEXT NOT NULL,
    caption TEXT NOT NULL,
    pinned INTEGER NOT NULL,
    -- The hash of what was brought, if something was taken out of it.
    arrived TEXT
) STRICT;

-- One for each way to filter, each in the order of the list.
CREATE INDEX photos_by_time ON photos (taken, id);
CREATE INDEX photos_by_camera ON photos (camera, taken, id) WHERE camera IS NOT NULL;
CREATE INDEX photos_by_person ON photos (person, taken, id) WHERE person IS NOT NULL;
CREATE INDEX photos_by_both ON photos (camera, person, taken, id)
    WHERE camera IS NOT NULL AND person IS NOT NULL;
-- For what is brought again.
CREATE INDEX photos_by_hash ON photos (hash);
CREATE INDEX photos_by_arrived ON photos (arrived) WHERE arrived IS NOT NULL;
-- For what goes first when there is too much.
CREATE INDEX photos_by_age ON photos (received) WHERE pinned = 0;

-- The deleted, so that none that is offered again comes back.
CREATE TABLE tombstones (
    id TEXT PRIMARY KEY,
    taken INTEGER NOT NULL,
    media TEXT NOT NULL,
    hash TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    expired INTEGER NOT NULL,
    -- Whether the file is still in the trash.
    trashed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstones_by_time ON tombstones (taken);
CREATE INDEX tombstones_trashed ON tombstones (deleted) WHERE trashed = 1;
CREATE INDEX tombstones_expired ON tombstones (deleted) WHERE expired = 1;

-- How many photos were taken in each quarter of an hour since 1970, for each filter; 0 stands for
-- any camera or person. Every time zone is off UTC by whole quarters, so each one's days can be
-- put together from these.
CREATE TABLE quarters (
    camera INTEGER NOT NULL,
    person INTEGER NOT NULL,
    quarter INTEGER NOT NULL,
    count INTEGER NOT NULL,
    -- The sum of width by height, in thousandths.
    aspect INTEGER NOT NULL,
    -- Where camera is 0: a bit for the number of each camera that took one.
    cameras BLOB NOT NULL,
    PRIMARY KEY (camera, person, quarter)
) STRICT, WITHOUT ROWID;

-- The days whose folders may differ from the index after an unclean end.
CREATE TABLE busy (day TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

CREATE TABLE totals (
    photos INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    clean INTEGER NOT NULL
) STRICT;
INSERT INTO totals VALUES (0, 0, 1);
