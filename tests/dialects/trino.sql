-- case: json_query | items 2 | from t
select json_query(j, 'lax $.y' omit quotes) as a, json_value(j, 'lax $.z' returning varchar) as b from t
-- case: json array wrapper | items 1 | from t
select json_query(j, 'lax $.y' with array wrapper) as a from t
-- case: types in parentheses | items 3 | from t
select cast(a as array(varchar)) as a, cast(b as map(varchar, array(bigint))) as b, cast(c as row(x int, y varchar)) as c from t
-- case: try_cast to a type in parentheses | items 1 | from t
select try_cast(json_parse(a) as array(row(x varchar))) as a from t
-- case: types in angles | items 1 | from t
select cast(a as map<varchar, array<int>>) as a from t
-- case: unnest | items 2 | from t
select t.a, u.x from t cross join unnest(t.xs) as u(x)
-- case: unnest with ordinality | items 2 | from t
select u.x, u.n from t cross join unnest(t.xs, t.ys) with ordinality as u(x, y, n)
-- case: lambdas | items 2 | from t
select transform(xs, x -> x + 1) as ys, reduce(xs, 0, (s, x) -> s + x, s -> s) as r from t
-- case: array literals and access | items 2 | from t
select array[1, 2] as a, xs[1] as b from t
-- case: polymorphic table functions | items 1
select * from table(exclude_columns(input => table(t), columns => descriptor(a)))
-- case: table function with a query | items 1 | from t
select * from table(f(input => table(select a from t)))
-- case: match_recognize | items 1 | from t | partial
select * from t match_recognize (partition by a order by b measures last(b) as m one row per match pattern (x+) define x as b > 1)
-- case: grouping sets | items 2 | from t
select a, b from t group by grouping sets ((a), (b)), cube (a), rollup (b)
-- case: filter and listagg | items 2 | from t
select count(*) filter (where a > 1) as n, listagg(a, ',') within group (order by a) as l from t
-- case: listagg on overflow | items 1 | from t
select listagg(a, ',' on overflow truncate '...' with count) within group (order by a) as l from t
-- case: time travel | items 1 | from t
select a from t for timestamp as of timestamp '2024-01-01 00:00:00 UTC'
-- case: for version | items 1 | from t
select a from t for version as of 3
-- case: at time zone and date functions | items 3 | from t
select a at time zone 'UTC' as a, date_trunc('month', b) as b, date_add('day', -1, c) as c from t
-- case: literals | items 4
select date '2024-01-01' as a, timestamp '2024-01-01 00:00:00' as b, interval '1' day as c, X'1F' as d
-- case: try | items 1 | from t
select try(a / b) as r from t
-- case: is distinct from | items 1 | from t
select a from t where b is distinct from c
-- case: tablesample | items 1 | from t
select a from t tablesample bernoulli (10)
-- case: values | items 2
select a, b from (values (1, 'x'), (2, 'y')) as v(a, b)
-- case: fetch first with ties | items 1 | from t
select a from t order by a fetch first 5 rows with ties
-- case: offset before limit | items 1 | from t
select a from t order by a offset 5 limit 10
-- case: window ignore nulls | items 1 | from t
select lag(a) ignore nulls over (partition by b order by c) as l from t
-- case: asof | items 2 | from t u
select t.a, u.b from t asof left join u on t.id = u.id and t.ts >= u.ts
-- case: row constructor and access | items 2 | from t
select row(1, 'x') as r, s.x.y as y from t
-- case: map functions | items 2 | from t
select map(array['a'], array[1]) as m, m['a'] as v from t
-- case: lateral | items 2 | from t
select t.a, x.b from t cross join lateral (select t.a + 1 as b) as x
-- case: recursive | ctes r | items 1
with recursive r(n) as (values (1) union all select n + 1 from r where n < 3) select n from r
-- case: arrays of rows | items 1 | from t
select cast(json_parse(a) as array(json)) as a from t
-- case: quoted names | items 1 | from c.s.t$partitions
select "a b" from "c"."s"."t$partitions"
-- case: count distinct and approx | items 2 | from t
select approx_distinct(a) as n, approx_percentile(b, 0.5) as p from t
-- case: regular expressions | items 1 | from t
select a from t where regexp_like(b, '\d+') and c like 'x\_%' escape '\'
-- case: json_table | items 1 | from t
select jt.a from t, json_table(j, 'lax $[*]' columns (a varchar path 'lax $.a')) as jt
-- case: decimal and double literals | items 2
select decimal '1.5' as a, double '2.5' as b
-- case: exists and in | items 1 | from t u
select a from t where b in (select b from u) and exists (select 1 from u where u.id = t.id)
-- case: except and intersect | items 1 | from t u
select a from t except select a from u
