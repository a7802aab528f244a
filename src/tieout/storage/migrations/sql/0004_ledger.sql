set local search_path = tieout;
-- Rates as the ledger used them (append-only, so that every trace stays true) and the actuals.

-- context: bill | cost. scope: 6 assignment 5 project 4 contract 3 client 2 legal entity 1 global. An empty dimension
-- fits anything. reference_version: from which version of the reference on the line is in force.
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
    hours_per_day numeric(6, 4),
    complimentary boolean not null,
    currency     text not null,
    valid_from   date not null,
    valid_to     date,
    reference_version bigint not null,
    recorded_at  timestamptz not null
);

-- A rate line that its origin no longer states: new entries do not use it, old traces still show it.
create table rate_line_retired (
    rate_line_id      bigint primary key,
    reference_version bigint not null,
    retired_at        timestamptz not null
);

-- What states a rate that cannot be in force yet, because something that it names is not known or it is wrong.
-- needs: the type of record that it waits for; empty when the statement itself has to be corrected.
create table rate_line_waiting (
    origin text primary key,
    needs  text not null,
    reason text not null
);

create table fx_rate (
    fx_rate_id  bigint generated always as identity primary key,
    base        text not null,
    quote       text not null,
    rate        numeric(24, 12) not null,
    rate_date   date not null,
    rate_type   text not null,
    origin      text not null,
    reference_version bigint not null,
    recorded_at timestamptz not null
);

create table fx_rate_retired (
    fx_rate_id        bigint primary key,
    reference_version bigint not null,
    retired_at        timestamptz not null
);

-- actual_id = entry_id * 8 + slot. Slots: 0 cost, 1 unbilled sales, 4 reversal of 0, 5 reversal of 1.
-- Amounts are signed minor units; currency codes are ISO 4217 numeric codes; hours carry the sign of the amount.
-- billing_type: 1 chargeable 2 non-chargeable 3 complimentary.
-- fx_rate_id: by which rate the amount became the functional amount; with fx_cross_rate_id, over a third currency.
-- price_fx_...: the same for a price that the policy allowed to convert into the project's currency.
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
    fx_cross_rate_id    bigint,
    price_fx_rate_id    bigint,
    price_fx_cross_rate_id bigint,
    firm_version        integer not null,
    billing_type        smallint not null
);

-- What each batch added, per entity and currency: the control totals that later steps are held against. Reversals are
-- not in them: each is held against what it reverses. currency is that of the sale, else the functional currency; cost
-- is in the functional currency.
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
