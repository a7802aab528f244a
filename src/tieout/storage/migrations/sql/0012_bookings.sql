set local search_path = tieout;
-- Assignments and absences as their sources told them, which version stands, and what of the plan is to be computed anew.

-- Blocks of ids, as of time entries (storage.copying.take_ids).
create sequence booking_reading_id_seq;

-- One reading of one version of one assignment. Append-only; the one that stands has the highest (version, revision).
-- state: the word of model.reported.ReportedBooking. disposition:
--   1 accepted: the booking is what this reading says.
--   2 held: its item is on the desk; the booking is not in the plan.
--   3 ended: cancelled or deleted in the source; the booking is not in the plan.
--   4 superseded on arrival: a newer version was known, or came in the same batch.
-- Exactly one of hours_per_day, percent and hours_by_day (ISO day to hours as text) says how much.
create table assignment_version (
    reading_id    bigint primary key,
    message_id    bigint not null,
    item_no       integer not null,
    system_id     smallint not null,
    source_id     text not null,
    version       bigint not null,
    revision      smallint not null,
    state         text not null,
    disposition   smallint not null,
    digest        bigint not null,
    resource_id   integer,
    project_id    integer,
    task_id       integer,
    role_id       integer,
    starts        date not null,
    ends          date not null,
    hours_per_day numeric(9, 4),
    percent       numeric(9, 4),
    hours_by_day  jsonb,
    bill_rate     numeric(18, 6),
    location      text,
    time_zone     text,
    notes         text not null,
    firm_version  integer not null,
    recorded_at   timestamptz not null
);
create unique index assignment_version_source on assignment_version (source_id, version, system_id, revision);

-- One reading of one version of one absence; state: the word of model.reported.ReportedLeave, disposition as above.
-- Neither hours_per_day nor hours_by_day: the whole of each day.
create table time_off_version (
    reading_id    bigint primary key,
    message_id    bigint not null,
    item_no       integer not null,
    system_id     smallint not null,
    source_id     text not null,
    version       bigint not null,
    revision      smallint not null,
    state         text not null,
    disposition   smallint not null,
    digest        bigint not null,
    resource_id   integer,
    starts        date not null,
    ends          date not null,
    kind          text not null,
    hours_per_day numeric(9, 4),
    hours_by_day  jsonb,
    firm_version  integer not null,
    recorded_at   timestamptz not null
);
create unique index time_off_version_source on time_off_version (source_id, version, system_id, revision);

-- The bookings that are in the plan, each as its reading that stands says; booking_id is the id of its first reading and
-- stays. Derived from assignment_version by inbound, changed in place. resource_id is null while a role is unfilled.
-- state: requested | proposed | soft | hard | in_progress | completed.
create table booking (
    booking_id    bigint primary key,
    reading_id    bigint not null,
    system_id     smallint not null,
    source_id     text not null,
    state         text not null,
    resource_id   integer,
    project_id    integer not null,
    task_id       integer,
    role_id       integer,
    starts        date not null,
    ends          date not null,
    hours_per_day numeric(9, 4),
    percent       numeric(9, 4),
    hours_by_day  jsonb,
    bill_rate     numeric(18, 6),
    location      text,
    unique (source_id, system_id)
);
create index booking_resource on booking (resource_id);
create index booking_project on booking (project_id);

-- The absences that count, requested or approved.
create table absence (
    absence_id    bigint primary key,
    reading_id    bigint not null,
    system_id     smallint not null,
    source_id     text not null,
    state         text not null,
    resource_id   integer not null,
    starts        date not null,
    ends          date not null,
    kind          text not null,
    hours_per_day numeric(9, 4),
    hours_by_day  jsonb,
    unique (source_id, system_id)
);
create index absence_resource on absence (resource_id);

-- What changed since the plan was computed, written in the transaction of the change; plan_to_allocate takes rows away.
-- kind and what first_id, last_id, from_day, until_day (the first day after) mean:
--   booking: first_id = last_id = booking_id; came, changed or went (its rows in the plan say where it was).
--   person: first_id = last_id = resource_id; absences of these days changed.
--   accepted: time entries first_id to last_id were accepted, some of them with actuals; no days.
--   reversed: the actuals of entry first_id = last_id were reversed; no days.
create table plan_pending (
    pending_id bigint generated always as identity primary key,
    kind       text not null check (kind in ('booking', 'person', 'accepted', 'reversed')),
    first_id   bigint not null,
    last_id    bigint not null,
    from_day   date,
    until_day  date
);

-- Readings that stand and are to be judged again, since ownership, a mapping, a task or a role has changed.
-- kind: assignment (what stands in booking) or time_off (in absence).
create table booking_review (
    review_id        bigint generated always as identity primary key,
    kind             text not null check (kind in ('assignment', 'time_off')),
    first_reading_id bigint not null,
    last_reading_id  bigint not null
);
create index finding_of_items on finding (cause_key) where entry_id is null;
create index assignment_version_message on assignment_version (message_id, item_no);

-- What the ledger holds already is new to the plan.
insert into plan_pending (kind, first_id, last_id)
select 'accepted', first_entry_id, last_entry_id from batch where accepted_count > 0 order by batch_id;

select seal_table(name::regclass)
  from unnest(array['assignment_version', 'time_off_version', 'booking', 'absence', 'plan_pending',
                    'booking_review']) as name;
