-- case: top | items 1 | from t
select top 10 a from t order by a
-- case: top percent with ties | items 1 | from t
select top (10) percent with ties a from t order by a
-- case: cross apply | items 2 | from t u
select t.a, x.b from t cross apply (select top 1 u.b from u where u.id = t.id order by u.c) as x
-- case: outer apply of a function | items 2 | from t
select t.a, s.value from t outer apply string_split(t.tags, ',') as s
-- case: bracketed names | items 2 | from db.dbo.my table
select [a b], t.[c] as [C] from [db].[dbo].[my table] as t
-- case: nolock | items 1 | from t u
select t.a from t with (nolock) inner join u as u with (nolock, index(ix)) on u.id = t.id
-- case: old nolock | items 1 | from t
select a from t (nolock)
-- case: openjson | items 2 | from t
select j.a, j.b from t cross apply openjson(t.doc, '$.x') with (a int '$.a', b nvarchar(max) '$.b' as json) as j
-- case: openjson without columns | items 1
select [key] from openjson('{}')
-- case: for xml path | items 1 | from t u
select stuff((select ',' + u.a from u for xml path('')), 1, 1, '') as l from t
-- case: for json | items 1 | from t
select a from t for json path, root('x')
-- case: national strings | items 1 | from t
select N'ü' as a from t where b = N'x'
-- case: convert and try_convert | items 3 | from t
select convert(varchar(10), a, 120) as a, try_convert(int, b) as b, try_cast(c as date) as c from t
-- case: iif and isnull | items 2 | from t
select iif(a > 1, b, c) as x, isnull(a, 0) as y from t
-- case: string_agg | items 1 | from t
select string_agg(a, ',') within group (order by a) as l from t group by b
-- case: at time zone | items 1 | from t
select a at time zone 'UTC' at time zone 'Central Standard Time' as x from t
-- case: offset fetch | items 1 | from t
select a from t order by a offset 10 rows fetch next 5 rows only
-- case: pivot | items 1 | from t | partial
select * from (select a, q from t) as s pivot (sum(a) for q in ([x], [y])) as p
-- case: unpivot | items 1 | from t | partial
select * from t unpivot (v for k in ([a], [b])) as u
-- case: dateadd | items 3 | from t
select dateadd(day, -1, a) as d, datediff(month, a, b) as m, datepart(weekday, a) as w from t
-- case: select into | items 1 | from t
select a into #x from t
-- case: alias equals expression | items 3 | from t
select x = a + 1, [y z] = b, c from t
-- case: option | ctes r | items 1
with r as (select 1 as n union all select n + 1 from r where n < 300) select n from r option (maxrecursion 0)
-- case: temporary tables | items 1 | from #x
select a from #x
-- case: variables | items 1 | from t
declare @d date = getdate(); select a from t where b = @d
-- case: cte in front with a semicolon | ctes c | items 1 | from t
;with c as (select a from t) select a from c
-- case: temporal tables | items 1 | from t
select a from t for system_time as of '2024-01-01'
-- case: values | items 2
select a, b from (values (1, 'x'), (2, 'y')) as v(a, b)
-- case: grouping sets and rollup | items 2 | from t
select a, b from t group by grouping sets ((a), (b))
-- case: rollup | items 2 | from t
select a, b from t group by rollup (a, b)
-- case: with rollup | items 2 | from t
select a, b from t group by a, b with rollup
-- case: window functions | items 2 | from t
select row_number() over (order by (select null)) as n, lag(a, 1, 0) over (partition by b order by c) as l from t
-- case: join hints | items 1 | from t u
select t.a from t inner hash join u on u.id = t.id
-- case: table sample | items 1 | from t
select a from t tablesample (10 percent)
-- case: quoted by double quotes | items 1 | from s.t
select "a" from "s"."t"
-- case: except and intersect | items 1 | from t u
select a from t except select a from u
-- case: exists and any | items 1 | from t u
select a from t where exists (select 1 from u where u.id = t.id) and b > any (select c from u)
-- case: scalar functions and methods | items 2 | from t
select dbo.f(a) as x, b.value('(/r)[1]', 'int') as y from t
-- case: case and coalesce and concat | items 2 | from t
select case when a is null then 'x' end as c, concat(a, '-', b) as d from t
-- case: collate | items 1 | from t
select a collate Latin1_General_CI_AS as a from t
-- case: datetime2 and binary constants | items 2 | from t
select cast(a as datetime2(6)) as a, 0x1F as b from t
-- case: percent and not equal | items 1 | from t
select a % 2 as m from t where b != 1 and c !< 2 and d <> 3
-- case: cross database | items 1 | from db..t
select a from db..t
-- case: trailing plus strings | items 1 | from t
select a + ' ' + b as c from t where d like '%[0-9]%'
-- case: nested with parentheses join | items 1 | from t u v
select t.a from t left join (u inner join v on v.id = u.id) on u.id = t.id
