set local search_path = tieout;
-- Which channel each notice goes to, and the webhooks by which programs are told events.

-- When it was decided where a notice goes; null: not yet.
alter table notice add column routed_at timestamptz;
create index notice_unrouted on notice (notice_id) where routed_at is null;

-- One row for every place that a notice is sent to, once, however many recipients share the place. recipients: those that
-- led there. delivery_id null: it waits for send_at, the end of quiet hours.
create table notice_route (
    notice_id   bigint not null,
    system      text not null,
    address     text not null,
    recipients  text[] not null,
    send_at     timestamptz not null,
    delivery_id bigint unique,
    primary key (notice_id, system, address)
);
create index notice_route_waiting on notice_route (send_at) where delivery_id is null;

select guard_rows_through('notice_route', 'notice', 'notice_id');

-- state: active | paused (by whoever made it) | disabled (by the hub; why says for what). types: names of events, none: all.
-- cursor: the last event that was delivered or passed over. failing_since: of the first attempt that failed since the last
-- success. Events are read with the rights that principal_id has when they are sent.
create table subscription (
    subscription_id uuid primary key,
    principal_id    uuid not null,
    name            text not null,
    url             text not null,
    types           text[] not null,
    state           text not null,
    why             text,
    cursor          bigint not null,
    attempts        integer not null default 0,
    failing_since   timestamptz,
    next_try_at     timestamptz,
    leased_until    timestamptz,
    made_at         timestamptz not null,
    changed_at      timestamptz not null
);
create index subscription_active on subscription (next_try_at) where state = 'active';

-- The newest signs; one that ends_at says is to end signs beside it until then. sealed under the hub's master key, bound to
-- the subscription and the version.
create table subscription_secret (
    subscription_id uuid not null,
    version         integer not null,
    master_key_id   text not null,
    sealed          bytea not null,
    made_at         timestamptz not null,
    ends_at         timestamptz,
    primary key (subscription_id, version)
);

-- Every attempt of the last days. status null: no answer came; words say why.
create table subscription_attempt (
    attempt_id      bigint generated always as identity primary key,
    subscription_id uuid not null,
    event_id        bigint not null,
    event_type      text not null,
    tried_at        timestamptz not null,
    duration_ms     integer not null,
    status          integer,
    ok              boolean not null,
    words           text
);
create index subscription_attempt_subscription on subscription_attempt (subscription_id, attempt_id desc);

-- Subscriptions that have something to send and that nobody sends for, claimed until lease_until.
create function claim_subscriptions(at timestamptz, lease_until timestamptz, most integer)
    returns table (subscription_id uuid, principal_id uuid)
    language sql security definer set search_path = tieout, pg_temp as $$
    update subscription as taken set leased_until = lease_until
     where taken.subscription_id in (
           select s.subscription_id from subscription s
            where s.state = 'active' and (s.leased_until is null or s.leased_until <= at)
              and (s.next_try_at is null or s.next_try_at <= at)
              and s.cursor < (select coalesce(max(event_id), 0) from event_log)
            order by s.next_try_at nulls first limit most for update skip locked)
    returning taken.subscription_id, taken.principal_id
$$;

select guard_rows('subscription', $$
    (select tieout.sees_all()) or principal_id::text = (select current_setting('tieout.principal', true))
$$);
select guard_rows_through(name::regclass, 'subscription', 'subscription_id')
  from unnest(array['subscription_secret', 'subscription_attempt']) as name;
select let_doors('subscription', 'insert', 'update', 'delete');
select let_doors('subscription_secret', 'insert', 'update', 'delete');
select let_doors('subscription_attempt', 'insert', 'delete');
select let_doors('notice', 'insert');
