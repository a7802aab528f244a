set local search_path = tieout;
-- Rates as the ledger used them (append-only, so that every trace stays true) and the actuals.

create table rate_line (
    rate_line_id bigint generated always as identity primary key,
    context      text not null,
    origin       text not null,
    scope        smallint not null,
    entity_id    integer,
    client_id    integer,
    project_id   integer,
    rate_card_id integer,
    role_id      integer,
    resource_id  integer,
    task_id      integer,
    work_type    text,
    price        numeric(18, 6) not null,
    unit         text not null,
    currency     text not null,
    valid_from   date not null,
    valid_to     date,
    recorded_at  timestamptz not null
);

-- A rate line that its origin no longer states: new entries do not use it, old traces still show it.
create table rate_line_retired (
    rate_line_id bigint primary key,
    retired_at   timestamptz not null
);

create table fx_rate (
    fx_rate_id  bigint generated always as identity primary key,
    base        text not null,
    quote       text not null,
    rate        numeric(24, 12) not null,
    rate_date   date not null,
    rate_type   text not null,
    origin      text not null,
    recorded_at timestamptz not null
);

-- actual_id = entry_id * 8 + slot. Slots: 0 cost, 1 unbilled sales, 4 reversal of 0, 5 reversal of 1.
-- Amounts are signed minor units; currency codes are ISO 4217 numeric codes; hours carry the sign of the amount.
-- billing_type: 1 chargeable 2 non-chargeable.
create table actual (
    actual_id           bigint primary key,
    entity_id           integer not null,
    project_id          integer not null,
    document_date       date not null,
    hours               numeric(9, 4) not null,
    price               numeric(18, 6) not null,
    amount_minor        bigint not null,
    currency            smallint not null,
    functional_minor    bigint not null,
    functional_currency smallint not null,
    rate_line_id        bigint not null,
    fx_rate_id          bigint,
    firm_version        integer not null,
    billing_type        smallint not null
);

-- What each batch added, per entity and currency: the control totals that later steps are held against.
create table batch_total (
    batch_id            bigint not null,
    entity_id           integer not null,
    currency            smallint not null,
    entry_count         integer not null,
    hours               numeric(14, 4) not null,
    amount_minor        bigint not null,
    cost_minor          bigint not null,
    functional_currency smallint not null,
    primary key (batch_id, entity_id, currency)
);
