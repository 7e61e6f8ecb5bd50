-- case: from first | items 2 | from t
from t select a, b
-- case: from alone | items 1 | from t
from t
-- case: from first with where | items 1 | from t
from t select a where b > 1 order by a
-- case: star exclude, replace | items 1 | from t
select * exclude (a, b) replace (c + 1 as c) from t
-- case: star rename | items 1 | from t | partial
select * rename (a as b) from t
-- case: star like | items 1 | from t | partial
select * like 'a%' from t
-- case: columns | items 2 | from t
select columns('a.*'), min(columns(*)) from t
-- case: columns lambda | items 1 | from t
select columns(c -> c like '%x%') from t
-- case: list comprehension | items 1 | from t
select [x * 2 for x in xs if x > 1] as ys from t
-- case: slices | items 3 | from t
select xs[1] as a, xs[1:2] as b, s[-3:] as c from t
-- case: struct literals | items 2
select {'a': 1, 'b': [1, 2]} as s, struct_pack(a := 1, b := 'x') as p
-- case: struct access | items 2 | from t
select s.a.b as x, s['a'] as y from t
-- case: map | items 1
select map {'a': 1, 'b': 2} as m
-- case: asof join | items 2 | from t u
select t.a, u.b from t asof join u on t.id = u.id and t.ts >= u.ts
-- case: asof left join using | items 2 | from t u
select t.a, u.b from t asof left join u using (id, ts)
-- case: lambdas | items 2 | from t
select list_transform(xs, x -> x + 1) as ys, list_filter(xs, lambda x: x > 1) as zs from t
-- case: group by all, order by all | items 2 | from t
select a, sum(b) as s from t group by all order by all
-- case: positional join | items 1 | from t u
select * from t positional join u
-- case: qualify | items 1 | from t
select a from t qualify row_number() over (partition by a order by b) = 1
-- case: pivot statement | items 1 | from t | partial
pivot t on q using sum(a) group by b
-- case: pivot in from | items 1 | from t | partial
select * from t pivot (sum(a) for q in ('x', 'y') group by b)
-- case: pivot as a cte | ctes p | items 1 | from t | partial
with p as (pivot t on q using sum(a)) select * from p
-- case: unpivot statement | items 1 | from t | partial
unpivot t on a, b into name k value v
-- case: unpivot in from | items 1 | from t | partial
select * from t unpivot (v for k in (a, b))
-- case: summarize | items 1 | from t | partial
summarize t
-- case: casts | items 3 | from t
select a::varchar as a, try_cast(b as int) as b, c::struct(x int, y varchar[]) as c from t
-- case: read_csv | items 1
select * from read_csv('x.csv', header = true, columns = {'a': 'int'})
-- case: file as a table | items 1 | from x.parquet
select * from 'x.parquet'
-- case: sample | items 1 | from t
select a from t using sample 10%
-- case: tablesample | items 1 | from t
select a from t tablesample reservoir(10 rows)
-- case: semi and anti joins | items 1 | from t u v
select a from t semi join u using (id) anti join v using (id)
-- case: unnest | items 2 | from t
select a, unnest(xs) as x from t
-- case: unnest in from | items 1
select x from unnest([1, 2, 3]) as u(x)
-- case: union by name | items 1 | from t u
select a from t union all by name select a from u
-- case: filter and ordered aggregates | items 2 | from t
select count(*) filter (where a > 1) as n, list(a order by b desc) as xs from t
-- case: integer division and power | items 2 | from t
select a // 2 as h, a ** 2 as p from t
-- case: dot chains | items 1 | from t
select a.upper().replace('x', 'y') as z from t
-- case: prefix alias | items 2 | from t
select x: a + 1, y: b from t
-- case: any_value and arg_max | items 2 | from t
select any_value(a) as x, arg_max(a, b) as y from t
-- case: generate_series and range | items 1
select i from range(1, 10) as r(i)
-- case: values | items 1
select a from (values (1), (2)) as v(a)
-- case: date parts | items 2 | from t
select date_trunc('month', a) as m, date_diff('day', a, b) as d from t
-- case: limit percent | items 1 | from t
select a from t limit 10%
-- case: distinct on | items 1 | from t
select distinct on (a) a from t order by a
-- case: interval | items 2 | from t
select a + interval 1 day as b, interval (c) month as d from t
-- case: lateral join | items 1 | from t
select x from t, lateral (select t.a + 1 as x)
-- case: recursive using key | ctes r | items 1
with recursive r as (select 1 as n union all select n + 1 from r where n < 3) select n from r
-- case: regex match and glob | items 1 | from t
select a from t where b ~ 'x' and c glob '*.y' and d ilike 'z%'
-- case: is json path | items 2 | from t
select j -> '$.a' as a, j ->> '$.b' as b from t
