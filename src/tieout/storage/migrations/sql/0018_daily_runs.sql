set local search_path = tieout;
-- What the hub does every day by itself, what it found, and the webhooks that its door refused.

-- One row per daily run that was due; ended_at and outcome (done, attention, failed, skipped) once it is over. job_id: the
-- job that does it now; failures: how often it was tried in vain. A row that exists is never made again by another hub.
create table daily_run (
    run_id   bigint generated always as identity primary key,
    name     text not null,
    due_at   timestamptz not null,
    begun_at timestamptz not null,
    job_id   bigint,
    failures integer not null default 0,
    ended_at timestamptz,
    outcome  text,
    detail   text not null default '',
    unique (name, due_at)
);
create index daily_run_open on daily_run (run_id) where ended_at is null;

-- When each object was last read to its end; source_cursor.moved_at is when it last told anything.
create table object_poll (
    system    text not null,
    object    text not null,
    polled_at timestamptz not null,
    primary key (system, object)
);

-- The score of each day; scored again on a day, its row says the last one.
create table quality_score (
    day       date not null,
    system    text not null,
    type      text not null,
    dimension text not null,
    good      bigint not null,
    total     bigint not null,
    primary key (day, system, type, dimension)
);

-- What a desk item about quality is about.
create table quality_subject (
    subject_id bigint generated always as identity primary key,
    system     text not null,
    type       text not null,
    dimension  text not null,
    unique (system, type, dimension)
);

-- Webhooks refused in the name of a system, by day in UTC.
create table webhook_refusal (
    day           date not null,
    system        text not null,
    refused_count bigint not null,
    last_at       timestamptz not null,
    last_why      text not null,
    primary key (day, system)
);
