set local search_path = tieout;
-- The plan: what follows from bookings, absences, rates and actuals. All of it can be computed anew from these, so that
-- none of it is sealed. Weeks are the day of their Monday, hours exact decimals, amounts minor units, currencies
-- ISO 4217 numeric codes. Derived by streams.plan_to_allocate, which is the only writer.

-- How far the plan is computed: by which version of the reference, and for which day as the present one.
create table plan_position (
    only_row          boolean primary key default true check (only_row),
    reference_version bigint not null,
    day               date
);
insert into plan_position (reference_version) values (0);

-- A digest of what capacity, prices and findings of a person or project follow from: where it is another one, it is new.
create table plan_person (
    person_id integer primary key,
    digest    bytea not null,
    entity_id integer,
    role_id   integer,
    name      text not null,
    is_assumed boolean not null,
    is_placeholder boolean not null
);
create table plan_project (
    project_id   integer primary key,
    digest       bytea not null,
    entity_id    integer,
    client_id    integer,
    budget_hours numeric(18, 4),
    budget_minor bigint,
    currency     smallint
);

-- The hours of a booking in a week, at one price; a week has several parts where a price changes in it, from_day until
-- before until_day. commitment: 1 soft, 2 hard. person_id is null while nobody fills the role.
-- An amount without price is null, with the reason as gap: the code of a finding, or NOT_BILLABLE.
create table booking_week (
    booking_id       bigint not null,
    week             date not null,
    part             smallint not null,
    person_id        integer,
    project_id       integer not null,
    role_id          integer,
    commitment       smallint not null,
    from_day         date not null,
    until_day        date not null,
    hours            numeric(9, 4) not null,
    bill_line_id     bigint,
    revenue_minor    bigint,
    revenue_currency smallint,
    revenue_gap      text,
    cost_line_id     bigint,
    cost_minor       bigint,
    cost_currency    smallint,
    cost_gap         text,
    primary key (booking_id, week, part)
);
create index booking_week_person on booking_week (person_id, week);
create index booking_week_project on booking_week (project_id, week);

-- One week of one person; hours that can be worked are calendar less holiday less time off. over: what is firmly booked
-- beyond what each day has, from over_from until before over_until.
create table person_week (
    person_id    integer not null,
    week         date not null,
    calendar     numeric(9, 4) not null,
    holiday      numeric(9, 4) not null,
    time_off     numeric(9, 4) not null,
    hard         numeric(9, 4) not null,
    soft         numeric(9, 4) not null,
    over         numeric(9, 4) not null,
    over_from    date,
    over_until   date,
    primary key (person_id, week)
);
create index person_week_over on person_week (person_id) where over > 0;

-- The sums of booking_week by project, week, commitment and currencies (0: no price). parts: of how many rows, so that a
-- sum of none goes away. unpriced, uncosted: the hours among them that have no price or no cost; not_billable: the hours
-- that are not to have a price.
create table project_week (
    project_id       integer not null,
    week             date not null,
    commitment       smallint not null,
    revenue_currency smallint not null,
    cost_currency    smallint not null,
    parts            integer not null,
    hours            numeric(18, 4) not null,
    revenue_minor    bigint not null,
    cost_minor       bigint not null,
    unpriced         numeric(18, 4) not null,
    uncosted         numeric(18, 4) not null,
    not_billable     numeric(18, 4) not null,
    primary key (project_id, week, commitment, revenue_currency, cost_currency)
);

-- The sums of actuals by project and week. side: 0 cost, 1 sales, as the slots of actual; currency is that of the amount.
create table project_actual (
    project_id   integer not null,
    week         date not null,
    side         smallint not null,
    currency     smallint not null,
    hours        numeric(18, 4) not null,
    amount_minor bigint not null,
    primary key (project_id, week, side, currency)
);

-- What the ledger had reversed before the plan began.
insert into plan_pending (kind, first_id, last_id)
select distinct 'reversed', actual_id / 8, actual_id / 8 from actual a
 where actual_id % 8 >= 4
   and not exists (select from plan_pending p where p.kind = 'reversed' and p.first_id = a.actual_id / 8);
