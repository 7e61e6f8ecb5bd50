-- case: lateral view | items 2 | from t | partial
select a, x from t lateral view explode(xs) e as x
-- case: lateral view outer twice | items 3 | from t | partial
select a, x, y from t lateral view outer explode(xs) as x lateral view posexplode(ys) p as pos, y
-- case: higher-order functions | items 3 | from t
select transform(xs, x -> x + 1) as a, filter(xs, x -> x > 1) as b, aggregate(xs, 0, (acc, x) -> acc + x) as c from t
-- case: files as tables | items 1 | from json./path/x.json
select * from json.`/path/x.json`
-- case: delta by path | items 1 | from delta./mnt/t
select a from delta.`/mnt/t`
-- case: path access | items 3 | from t
select raw:a.b as x, raw:items[0].price::double as y, raw:['odd key'] as z from t
-- case: raw strings | items 2
select r'\d+' as a, R"x" as b
-- case: qualify | items 1 | from t
select a from t qualify row_number() over (partition by a order by b) = 1
-- case: timestamp_ntz | items 2 | from t
select cast(a as timestamp_ntz) as a, b::timestamp_ntz as b from t
-- case: pivot | items 1 | from t | partial
select * from t pivot (sum(a) as s for q in ('x' as x, 'y' as y))
-- case: pivot over several columns | items 1 | from t | partial
select * from t pivot (sum(a) as s, max(b) as m for (q, r) in ((1, 2) as x))
-- case: unpivot | items 1 | from t | partial
select * from t unpivot (v for k in (a as x, b))
-- case: from_json | items 2 | from t
select from_json(a, 'struct<x: int, y: array<string>>') as s, schema_of_json('{}') as j from t
-- case: left semi and anti joins | items 1 | from t u v
select a from t left semi join u on t.id = u.id left anti join v on t.id = v.id
-- case: tablesample | items 1 | from t
select a from t tablesample (10 percent)
-- case: tablesample rows | items 1 | from t
select a from t tablesample (100 rows)
-- case: cluster by | items 1 | from t
select a from t cluster by a
-- case: distribute by and sort by | items 1 | from t
select a from t distribute by a sort by b desc
-- case: values | items 2
select a, b from values (1, 'x'), (2, 'y') as v(a, b)
-- case: values in parentheses | items 1
select a from (values (1), (2)) as v(a)
-- case: time travel | items 1 | from t
select a from t version as of 3
-- case: timestamp as of | items 1 | from t
select a from t timestamp as of '2024-01-01'
-- case: complex types | items 2 | from t
select cast(a as array<struct<x: int, y: string>>) as a, cast(b as map<string, int>) as b from t
-- case: named_struct and maps | items 2
select named_struct('a', 1) as s, map('k', 'v')['k'] as v
-- case: star except | items 1 | from t
select * except (a, b) from t
-- case: group by all, grouping sets | items 2 | from t
select a, sum(b) as s from t group by all
-- case: grouping sets | items 2 | from t
select a, b from t group by a, b grouping sets ((a), (b))
-- case: rollup | items 2 | from t
select a, b from t group by a, b with rollup
-- case: rlike and null-safe equality | items 1 | from t
select a from t where b rlike 'x' and c <=> d and not e regexp 'y'
-- case: div and mod | items 2 | from t
select a div 2 as d, a % 2 as m from t
-- case: explode in the select list | items 2 | from t
select a, explode(xs) as x from t
-- case: several aliases of one entry | items 1 | from t
select posexplode(xs) as (pos, x) from t
-- case: stack | items 1 | from t
select stack(2, 'a', a, 'b', b) as (k, v) from t
-- case: hints | items 1 | from t u
select /*+ broadcast(u) */ t.a from t join u on t.id = u.id
-- case: intervals | items 2 | from t
select a + interval 1 day as b, current_date() - interval '2' month as c from t
-- case: interval with several units | items 1 | from t
select a - interval 1 day 2 hours as b from t
-- case: table function | items 1
select * from range(1, 10)
-- case: table valued call | items 1
select * from read_files('/x', format => 'json')
-- case: transform clause of a query | items 1 | from t
select a from t where exists(xs, x -> x > 1)
-- case: try_cast and question cast | items 2 | from t
select try_cast(a as int) as a, b?::int as b from t
-- case: first with ignore nulls | items 2 | from t
select first(a, true) as x, last_value(b) ignore nulls over (order by c) as y from t
-- case: minus | items 1 | from t u
select a from t minus select a from u
-- case: named parameters and date parts | items 2 | from t
select date_add(month, 1, a) as m, timestampdiff(day, a, b) as d from t
-- case: lateral subquery | items 2 | from t u
select t.a, x.b from t, lateral (select u.b from u where u.id = t.id) x
-- case: lateral table function | items 2 | from t
select t.a, e.x from t, lateral explode(t.xs) as e(x)
-- case: array access and slices | items 2 | from t
select xs[0] as a, element_at(ys, -1) as b from t
-- case: backquoted names | items 1 | from c.s.odd name
select `a b` from `c`.`s`.`odd name`
-- case: window frame and range | items 1 | from t
select sum(a) over (order by b range between interval 7 days preceding and current row) as s from t
-- case: filter | items 1 | from t
select count(*) filter (where a > 1) as n from t
-- case: aggregate within group | items 1 | from t
select percentile_approx(a, array(0.5, 0.9)) as p from t
-- case: stream | items 1
select a from stream(t)
-- case: string literals side by side | items 1
select 'a' 'b' as ab
-- case: ilike any | items 1 | from t
select a from t where b ilike any ('%x%', '%y%')
-- case: numeric suffixes | items 2
select 1L as a, 1.5BD as b
