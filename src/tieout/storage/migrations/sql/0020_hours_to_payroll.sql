set local search_path = tieout;
-- Approved hours as payrolls were told them.

-- first_day: the first day that payrolls are told of (null: none yet); reference_version: by which people were looked for.
create table payroll_position (
    only_row          boolean primary key default true check (only_row),
    first_day         date,
    reference_version bigint not null default 0
);
insert into payroll_position (first_day) values (null);

-- Time entries first_id to last_id whose actuals were written (accepted) or reversed since anybody looked.
create table payroll_pending (
    pending_id bigint generated always as identity primary key,
    kind       text not null check (kind in ('accepted', 'reversed')),
    first_id   bigint not null,
    last_id    bigint not null
);

-- Days of people whose hours may be others than a payroll was told. held: why they cannot be told for now:
--   employer: the person's legal entity is not known; number: the payroll has no employee number of the person;
--   numbers: it has several; elsewhere: no payroll is told of that legal entity, or of people of that kind.
create table payroll_due (
    resource_id integer not null,
    work_date   date not null,
    held        text check (held in ('employer', 'number', 'numbers', 'elsewhere')),
    primary key (resource_id, work_date)
);
create index payroll_due_day on payroll_due (work_date) where held is null;

-- One row per file. starts until before ends is the pay period. state:
--   open: its delivery is under way or on the desk; told: the payroll has it, or a person says that it was told otherwise;
--   taken_back: the payroll refused it and it was given up: its hours go into the next one.
create table payroll_file (
    delivery_id bigint primary key,
    system      text not null,
    entity_id   integer not null,
    sequence    integer not null,
    starts      date not null,
    ends        date not null,
    correction  boolean not null,
    line_count  integer not null,
    hours       numeric(14, 4) not null,
    state       text not null default 'open' check (state in ('open', 'told', 'taken_back')),
    unique (system, entity_id, sequence)
);
create index payroll_file_open on payroll_file (delivery_id) where state = 'open';

-- What each file says: hours are signed, less than before is negative. work_type as in time_entry.
create table payroll_line (
    delivery_id     bigint not null,
    resource_id     integer not null,
    work_date       date not null,
    work_type       smallint not null,
    employee_number text not null,
    hours           numeric(9, 4) not null,
    primary key (delivery_id, resource_id, work_date, work_type)
);
create index payroll_line_day on payroll_line (resource_id, work_date);

select seal_table(name::regclass)
  from unnest(array['payroll_pending', 'payroll_due', 'payroll_file', 'payroll_line']) as name;
