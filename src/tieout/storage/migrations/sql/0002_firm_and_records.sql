set local search_path = tieout;
-- Applied firm configurations, golden records with their history, cross-references, the event log.

create table firm_version (
    version      integer primary key,
    content_hash text not null,
    config       bytea not null,
    applied_at   timestamptz not null,
    applied_by   text not null
);

-- One row: grows with every change of a golden record, rate or firm version, so that a worker knows in one
-- primary-key read whether the reference it holds in memory is still the newest.
create table reference_state (
    only_row boolean primary key default true check (only_row),
    version  bigint not null
);
insert into reference_state (version) values (1);

create table system_name (
    system_id smallint generated always as identity primary key,
    name      text not null unique
);

-- The current version of each record. refs: name of the reference to [system, that system's key of the other record].
-- provenance: list of [system, key, message, instant and ownership rule; names of the fields that stand by them].
create sequence record_id_seq as integer;

create table golden_record (
    record_id   integer primary key,
    public_id   uuid not null unique,
    type        text not null,
    code        text,
    version     integer not null,
    fields      jsonb not null,
    refs        jsonb not null,
    provenance  jsonb not null,
    hash        bytea not null,
    tombstone   boolean not null default false,
    recorded_at timestamptz not null
);
create unique index golden_record_code on golden_record (type, code) where code is not null;

-- Every version for ever. effective_from: since when the source says so; recorded_at: since when we know it.
create table golden_record_version (
    record_id      integer not null,
    version        integer not null,
    code           text,
    fields         jsonb not null,
    refs           jsonb not null,
    provenance     jsonb not null,
    hash           bytea not null,
    tombstone      boolean not null,
    effective_from timestamptz not null,
    recorded_at    timestamptz not null,
    message_id     bigint,
    primary key (record_id, version)
);

create table cross_reference (
    system      text not null,
    type        text not null,
    source_id   text not null,
    record_id   integer not null,
    recorded_at timestamptz not null,
    primary key (system, type, source_id)
);
create index cross_reference_record on cross_reference (record_id);

-- What each system says of each record now; golden records are made from these rows by ownership.
create table reported_record (
    system      text not null,
    type        text not null,
    source_id   text not null,
    version     bigint not null,
    fields      jsonb not null,
    refs        jsonb not null,
    deleted     boolean not null,
    message_id  bigint not null,
    recorded_at timestamptz not null,
    primary key (system, type, source_id)
);

create table event_log (
    event_id       bigint generated always as identity primary key,
    type           text not null,
    subject        text not null,
    payload        jsonb not null,
    correlation_id uuid,
    recorded_at    timestamptz not null
);
