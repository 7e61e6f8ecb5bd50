-- case: distinct on | items 2 | from t
select distinct on (a) a, b from t order by a, b desc
-- case: filter | items 2 | from t
select count(*) filter (where a > 1) as n, sum(b) filter (where c) over (partition by d) as s from t
-- case: within group | items 2 | from t
select percentile_disc(0.5) within group (order by a) as p, mode() within group (order by b) as m from t
-- case: lateral | items 2 | from t u
select t.a, x.b from t left join lateral (select u.b from u where u.id = t.id limit 1) as x on true
-- case: arrays | items 4 | from t
select array[1, 2] as a, xs[1] as b, xs[1:2] as c, array(select 1) as d from t
-- case: any and all | items 1 | from t
select a from t where b = any(xs) and c <> all(array[1, 2]) and d = any(array['x', 'y']::text[])
-- case: json operators | items 4 | from t
select j -> 'a' as a, j ->> 'b' as b, j #> '{a,b}' as c, j #>> '{a,b}' as d from t where j @> '{"a": 1}' and j ? 'k'
-- case: jsonpath | items 1 | from t
select jsonb_path_query_first(j, '$.a') as a from t where j @? '$.b'
-- case: casts | items 3 | from t
select a::text as a, b::numeric(10, 2) as b, c::timestamp with time zone as c from t
-- case: with ordinality | items 2 | from t
select x, n from t, unnest(t.xs) with ordinality as u(x, n)
-- case: generate_series | items 1
select d::date as d from generate_series('2024-01-01'::date, now(), interval '1 day') as g(d)
-- case: tablesample | items 1 | from t
select a from t tablesample bernoulli (10) repeatable (1)
-- case: grouping sets | items 2 | from t
select a, b from t group by grouping sets ((a, b), (a), ())
-- case: group by distinct rollup | items 2 | from t
select a, b from t group by distinct rollup (a, b)
-- case: values | ctes v | items 2
with v(a, b) as (values (1, 'x'), (2, 'y')) select a, b from v
-- case: not materialized | ctes c | items 1 | from t
with c as not materialized (select a from t) select a from c
-- case: recursive with search | ctes r | items 1 | from t
with recursive r as (select id, parent from t union all select t.id, t.parent from t join r on r.id = t.parent) select id from r
-- case: regular expressions | items 1 | from t
select a from t where a ~ 'x' and b !~* 'y' and c similar to '%z%'
-- case: string constants | items 3
select E'a\nb' as a, $$it's$$ as b, $tag$x$tag$ as c
-- case: rows from | items 1
select * from rows from (generate_series(1, 2), generate_series(1, 3)) as x(a, b)
-- case: record definition | items 2
select a, b from json_to_recordset('[]') as x(a int, b text)
-- case: row and composite | items 2 | from t
select row(a, b) as r, (c).d as d from t
-- case: window exclude | items 1 | from t
select sum(a) over (order by b rows between 1 preceding and 1 following exclude current row) as s from t
-- case: window clause | items 1 | from t
select rank() over w as r from t window w as (partition by a order by b)
-- case: fetch first | items 1 | from t
select a from t order by a fetch first 5 rows only
-- case: fetch with ties | items 1 | from t
select a from t order by a fetch first 5 rows with ties
-- case: for update | items 1 | from t
select a from t for update skip locked
-- case: at time zone and extract | items 2 | from t
select a at time zone 'UTC' as x, extract(epoch from b - c) as y from t
-- case: overlaps | items 1 | from t
select a from t where (b, c) overlaps (d, e)
-- case: row comparison | items 1 | from t u
select a from t where (a, b) in (select a, b from u) and (a, b) = (1, 2)
-- case: only and inheritance | items 1 | from t
select a from only t
-- case: string_agg with order | items 2 | from t
select string_agg(a, ', ' order by b) as s, array_agg(distinct a order by a) as xs from t
-- case: xml table | items 1
select x.a from xmltable('/r' passing '<r/>' columns a int path 'a') as x
-- case: json table functions with lateral | items 2 | from t
select e.key, e.value from t cross join lateral jsonb_each_text(t.j) as e
-- case: intersect all | items 1 | from t u
select a from t intersect all select a from u
-- case: is null shorthands | items 1 | from t
select a from t where b isnull or c notnull
-- case: collate | items 1 | from t
select a collate "C" as a from t
-- case: position and overlay | items 3 | from t
select position('x' in a), overlay(a placing 'y' from 1 for 2), substring(a from '[0-9]+') from t
-- case: interval precision | items 2 | from t
select interval '1' year as y, now() - '1 day'::interval as d from t
-- case: postgis operators | items 1 | from t u
select t.a from t join u on t.g && u.g order by t.g <-> u.g
-- case: full join | items 1 | from t u
select coalesce(t.a, u.a) as a from t full outer join u using (a)
-- case: merge of statements | items 1 | from t
set search_path to x; select a from t;
