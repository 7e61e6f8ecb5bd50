-- case: approximate count | items 1 | from t
select approximate count(distinct a) as n from t
-- case: listagg within group | items 1 | from t
select listagg(distinct a, ',') within group (order by a) as l from t group by b
-- case: qualify | items 1 | from t
select a from t where b = 1 qualify row_number() over (partition by a order by c) = 1
-- case: pivot | items 1 | from t | partial
select * from (select a, q from t) pivot (sum(a) for q in ('x' as x, 'y'))
-- case: unpivot | items 1 | from t | partial
select * from t unpivot (v for k in (a, b))
-- case: unpivot include nulls | items 1 | from t | partial
select * from t unpivot include nulls (v for k in (a, b))
-- case: super navigation | items 3 | from t
select t.c.d[0].e as x, t.c."Odd" as y, t.c[1].z::int as z from t
-- case: super unnesting | items 2 | from t
select t.id, o.price from t, t.orders as o
-- case: super unnesting with an index | items 2 | from t
select t.id, i from t, t.orders as o at i
-- case: object unpivoting | items 2 | from t
select k, v from t, unpivot t.obj as v at k
-- case: grouping sets, rollup, cube | items 2 | from t
select a, b from t group by grouping sets ((a), (b)), rollup (a), cube (b)
-- case: datediff with words | items 3 | from t
select datediff(day, a, b) as d, dateadd(month, -1, a) as m, date_part(dow, a) as w from t
-- case: getdate and sysdate | items 2
select getdate() as g, sysdate as s
-- case: top | items 1 | from t
select top 10 a from t
-- case: casts | items 3 | from t
select a::varchar(max) as a, b::numeric(18, 2) as b, cast(c as super) as c from t
-- case: window ignore nulls | items 1 | from t
select lag(a ignore nulls) over (partition by b order by c) as x from t
-- case: window ignore nulls behind | items 1 | from t
select last_value(a) ignore nulls over (partition by b order by c rows between unbounded preceding and unbounded following) as x from t
-- case: percentile | items 2 | from t
select percentile_cont(0.5) within group (order by a) as p, median(a) as m from t
-- case: json functions | items 2 | from t
select json_extract_path_text(a, 'x', true) as x, json_parse(b) as j from t
-- case: ilike and similar to | items 1 | from t
select a from t where b ilike '%x%' and c similar to '(a|b)%' and d !~ 'z' and e ~* 'y'
-- case: interval literals | items 2
select current_date - interval '1 day' as a, interval '3 months' + getdate() as b
-- case: star exclude | items 1 | from t
select * exclude (a, b) from t
-- case: minus | items 1 | from t u
select a from t minus select a from u
-- case: convert | items 2 | from t
select convert(varchar, a) as a, convert_timezone('UTC', 'Europe/Berlin', b) as b from t
-- case: array and object constructors | items 2
select array(1, 2, 3) as xs, object('a', 1, 'b', 2) as o
-- case: recursive | ctes r | items 1
with recursive r(n) as (select 1 union all select n + 1 from r where n < 3) select n from r
-- case: three-part names | items 1 | from db.s.t
select a from db.s.t
-- case: quoted and case | items 1 | from s.T
select "Col" from s."T"
-- case: not in a subquery with limit | items 1 | from t u
select a from t where b not in (select b from u limit 5) limit 10 offset 2
-- case: like escape | items 1 | from t
select a from t where b like 'x\\_%' escape '\\'
-- case: bit and concat operators | items 2 | from t
select a || '-' || b as c, a & 1 as d from t
-- case: trunc and timestamps | items 2 | from t
select trunc(a) as d, timestamp '2024-01-01 00:00:00' as ts from t
-- case: ratio_to_report | items 1 | from t
select ratio_to_report(a) over (partition by b) as r from t
-- case: union all and order | items 1 | from t u
select a from t union all select a from u order by 1 desc nulls last
-- case: merge of names with at time zone | items 1 | from t
select a at time zone 'UTC' as x from t
-- case: strtol and nvl2 and decode | items 2 | from t
select nvl2(a, b, c) as x, decode(a, 1, 'x', 'y') as y from t
