set local search_path = tieout;
-- Tie-outs as they were computed, for those who look at them: the statement takes long where there are many entries.
-- Derived from what is sealed, so none of it is sealed. reconciliation.tie_out_runs is the only writer.

-- control_total_id: the newest control total that the run saw; where it is still the newest, nothing has changed since.
create table tie_out_run (
    run_id           bigint generated always as identity primary key,
    requested_by     text not null,
    started_at       timestamptz not null,
    finished_at      timestamptz not null,
    holds            boolean not null,
    firm_version     integer not null,
    control_total_id bigint not null,
    exact_repeats    integer not null,
    not_approved     integer not null,
    superseded       integer not null
);

-- What the proofs of a run found, in words.
create table tie_out_break (
    run_id   bigint not null,
    break_no integer not null,
    message  text not null,
    primary key (run_id, break_no)
);

-- One side of one row of the statement; kept for every run. entity, period and currency may each be 'unassigned'.
create table tie_out_figure (
    figure_id      bigint generated always as identity primary key,
    run_id         bigint not null,
    entity_id      integer,
    entity         text not null,
    period         text not null,
    currency       text not null,
    side           text not null,
    entry_count    integer not null,
    hours          numeric(18, 4) not null,
    amount_minor   bigint not null,
    cost_minor     bigint not null,
    unpriced_count integer not null,
    unpriced_hours numeric(18, 4) not null,
    unique (run_id, entity, period, currency, side)
);

-- The entries behind the figures of the newest run; those of earlier runs are taken away. After a crash of the database
-- it is empty until the next run.
create unlogged table tie_out_line (
    figure_id    bigint not null,
    line_no      integer not null,
    run_id       bigint not null,
    entity_id    integer,
    system_id    smallint,
    source_id    text,
    entry_id     bigint,
    message_id   bigint,
    item_no      integer,
    day          date,
    entry_count  integer not null,
    hours        numeric(9, 4) not null,
    amount_minor bigint,
    delivery_id  bigint,
    primary key (figure_id, line_no)
);

-- Somebody wants a tie-out now; taken away by the run that it asked for.
create table tie_out_request (
    request_id   bigint generated always as identity primary key,
    requested_by text not null,
    requested_at timestamptz not null
);

select guard_rows_of_firm(name::regclass) from unnest(array['tie_out_run', 'tie_out_request']) as name;
select guard_rows_of_all('tie_out_break');
select guard_rows_by_entity(name::regclass) from unnest(array['tie_out_figure', 'tie_out_line']) as name;
select let_doors('tie_out_request', 'insert');
