-- The comparison job, second half: sessions to minutes, hours, days and periods. duckdb_sessions.sql says how it is run.

-- part: minutes
-- Up at a start, down at an end, ends first; `*` counts persons, whose stays on several streams are one where they touch.
CREATE TABLE minutes AS
WITH net AS (SELECT tenant, stream, listener_no, started_ms AS starts, ended_ms AS ends
             FROM sessions WHERE exclusion IS NULL AND ended_ms > started_ms),
apart AS (
    SELECT *, max(ends) OVER (PARTITION BY listener_no ORDER BY starts, ends
                              ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM net
),
numbered AS (
    SELECT *, count(*) FILTER (before IS NULL OR starts > before) OVER (
        PARTITION BY listener_no ORDER BY starts, ends ROWS UNBOUNDED PRECEDING) AS number
    FROM apart
),
persons AS (SELECT tenant, min(starts) AS starts, max(ends) AS ends FROM numbered GROUP BY tenant, listener_no, number),
steps AS (
    SELECT tenant, stream, unnest([starts, ends]) AS at_ms, unnest([1, -1]) AS people, unnest([1, -1]) AS stays FROM net
    UNION ALL SELECT tenant, '*', unnest([starts, ends]), unnest([1, -1]), 0 FROM persons
    UNION ALL SELECT tenant, '*', unnest([starts, ends]), 0, unnest([1, -1]) FROM net
),
running AS (
    SELECT *, at_ms - at_ms % 60000 AS minute,
           sum(people) OVER (PARTITION BY tenant, stream ORDER BY at_ms, people ROWS UNBOUNDED PRECEDING) AS present
    FROM steps
),
changing AS (
    SELECT tenant, stream, minute, max(present) AS top, sum(people) AS people, sum(stays) AS stays,
           sum(people) FILTER (at_ms = minute AND people < 0) AS gone, sum(stays * (minute + 60000 - at_ms)) AS left_ms
    FROM running GROUP BY tenant, stream, minute
),
carried AS (
    SELECT *, coalesce(sum(people) OVER before, 0) AS people_before, coalesce(sum(stays) OVER before, 0) AS stays_before,
           lead(minute, 1, minute) OVER (PARTITION BY tenant, stream ORDER BY minute) AS following
    FROM changing
    WINDOW before AS (PARTITION BY tenant, stream ORDER BY minute ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
filled AS (  -- and the quiet minutes, in which nobody comes or goes
    SELECT tenant, stream, minute AS minute_ms, greatest(top, people_before + coalesce(gone, 0)) AS peak_listeners,
           stays_before * 60000 + left_ms AS listening_ms
    FROM carried
    UNION ALL
    SELECT tenant, stream, unnest(range(minute + 60000, following, 60000)), people_before + people,
           (stays_before + stays) * 60000
    FROM carried
)
SELECT tenant, stream, minute_ms, peak_listeners::INT AS peak_listeners, listening_ms::BIGINT AS listening_ms
FROM filled WHERE peak_listeners > 0;

-- part: days and hours
CREATE TABLE days AS
SELECT tenant, listened_on, day_ms, max(hour_ends_ms) AS day_ends_ms FROM hours GROUP BY tenant, listened_on, day_ms;

-- Sessions laid on buckets of time, with those that only touch the bucket: their end may lie in it.
CREATE TABLE stays_by_day AS
SELECT s.*, listened_on, day_ms, day_ends_ms,
       greatest(started_ms, day_ms) AS from_ms, least(coalesce(ended_ms, started_ms), day_ends_ms) AS to_ms,
       started_ms >= day_ms AS is_started, coalesce(ended_ms >= day_ms AND ended_ms < day_ends_ms, false) AS is_completed,
       started_ms >= day_ms OR coalesce(ended_ms > day_ms, false) AS is_active
FROM sessions AS s JOIN days AS d
    ON s.tenant = d.tenant AND started_ms < day_ends_ms AND coalesce(ended_ms, started_ms) >= day_ms;
CREATE TABLE stays_by_hour AS
SELECT s.tenant, stream, listener_no, exclusion, started_ms, ended_ms, s.listened_on, hour_ms, hour_ends_ms, hour_of_day,
       greatest(started_ms, hour_ms) AS from_ms, least(coalesce(ended_ms, started_ms), hour_ends_ms) AS to_ms,
       started_ms >= hour_ms AS is_started, coalesce(ended_ms >= hour_ms AND ended_ms < hour_ends_ms, false) AS is_completed,
       started_ms >= hour_ms OR coalesce(ended_ms > hour_ms, false) AS is_active, started_ms < before_ends_ms AS is_again
FROM stays_by_day AS s JOIN hours AS h ON s.tenant = h.tenant AND s.listened_on = h.listened_on
    AND started_ms < hour_ends_ms AND coalesce(ended_ms, started_ms) >= hour_ms;

-- The figures of every bucket. `laid` are stays and `bucketed` minutes, both with the bucket's start as bucket_ms.
CREATE MACRO figures(laid, bucketed) AS TABLE
WITH whole AS (SELECT * EXCLUDE (stream), unnest([stream, '*']) AS stream FROM query_table(laid)),
net AS (
    SELECT tenant, stream, bucket_ms,
        count(*) FILTER (is_started) AS sessions_started, count(*) FILTER (is_completed) AS sessions_completed,
        count(*) FILTER (is_active) AS sessions_active, count(*) FILTER (is_active AND is_again) AS again,
        sum(greatest(to_ms - from_ms, 0))::BIGINT / 1000 AS listening_seconds,
        count(DISTINCT listener_no) FILTER (is_active) AS unique_listeners,
        coalesce(sum(ended_ms - started_ms) FILTER (is_started), 0)::BIGINT / 1000 AS length_seconds,
        count(ended_ms) FILTER (is_started) AS length_count
    FROM whole WHERE exclusion IS NULL GROUP BY tenant, stream, bucket_ms HAVING sessions_active + sessions_completed > 0
),
reasons AS (SELECT tenant, stream, bucket_ms, exclusion, count(*) AS number FROM whole
            WHERE exclusion IS NOT NULL AND is_started GROUP BY tenant, stream, bucket_ms, exclusion),
gross AS (SELECT tenant, stream, bucket_ms, map(list(exclusion), list(number)) AS excluded
          FROM reasons GROUP BY tenant, stream, bucket_ms),
peaks AS (SELECT tenant, stream, bucket_ms, min({'below': -peak_listeners, 'minute_ms': minute_ms}) AS peak
          FROM query_table(bucketed) GROUP BY tenant, stream, bucket_ms)
SELECT tenant, stream, bucket_ms,
    coalesce(sessions_started, 0) AS sessions_started, coalesce(sessions_completed, 0) AS sessions_completed,
    coalesce(sessions_active, 0) AS sessions_active, coalesce(again, 0) AS again,
    coalesce(listening_seconds, 0) AS listening_seconds, coalesce(unique_listeners, 0) AS unique_listeners,
    coalesce(length_seconds, 0) AS length_seconds, coalesce(length_count, 0) AS length_count,
    coalesce(-peak.below, 0) AS peak_listeners, make_timestamptz(peak.minute_ms * 1000) AS peak_at,
    coalesce(excluded, map([]::VARCHAR[], []::BIGINT[])) AS excluded
FROM net FULL JOIN gross USING (tenant, stream, bucket_ms) LEFT JOIN peaks USING (tenant, stream, bucket_ms);

CREATE TABLE bucketed AS
SELECT m.tenant, stream, minute_ms, peak_listeners, listened_on, day_ms, hour_ms
FROM minutes AS m JOIN hours AS h ON m.tenant = h.tenant AND minute_ms >= hour_ms AND minute_ms < hour_ends_ms;
CREATE VIEW laid_by_day AS SELECT *, day_ms AS bucket_ms, false AS is_again FROM stays_by_day;
CREATE VIEW laid_by_hour AS SELECT *, hour_ms AS bucket_ms FROM stays_by_hour;
CREATE VIEW minutes_by_day AS SELECT *, day_ms AS bucket_ms FROM bucketed;
CREATE VIEW minutes_by_hour AS SELECT *, hour_ms AS bucket_ms FROM bucketed;

CREATE TABLE listening_by_day AS
SELECT listened_on, f.* EXCLUDE (bucket_ms, again)
FROM figures('laid_by_day', 'minutes_by_day') AS f JOIN days AS d ON f.tenant = d.tenant AND bucket_ms = day_ms;
CREATE TABLE listening_by_hour AS
SELECT listened_on, make_timestamptz(hour_ms * 1000) AS hour_at, make_timestamptz(hour_ends_ms * 1000) AS hour_ends_at,
       hour_of_day, f.* EXCLUDE (bucket_ms)
FROM figures('laid_by_hour', 'minutes_by_hour') AS f JOIN hours AS h ON f.tenant = h.tenant AND bucket_ms = hour_ms;

-- part: lengths and dimensions
CREATE TABLE session_lengths_by_day AS
WITH started AS (SELECT listened_on, tenant, unnest([stream, '*']) AS stream,
                        coalesce(ended_ms - started_ms, 0) / 60000 AS minutes
                 FROM stays_by_day WHERE exclusion IS NULL AND is_started)
SELECT listened_on, tenant, stream, at_least_minutes, count(*) AS session_count
FROM started ASOF JOIN length_edges ON minutes >= at_least_minutes GROUP BY ALL;

CREATE MACRO valued(source, player, os, device, stream) AS [
    {'dimension': 'source', 'dimension_value': coalesce(source, 'direct')}, {'dimension': 'player', 'dimension_value': player},
    {'dimension': 'os', 'dimension_value': os}, {'dimension': 'device', 'dimension_value': device},
    {'dimension': 'country', 'dimension_value': 'unknown'}, {'dimension': 'region', 'dimension_value': 'unknown'},
    {'dimension': 'stream', 'dimension_value': stream}];
CREATE TABLE net_by_day AS
SELECT listened_on, tenant, unnest([stream, '*']) AS stream, listener_no, is_started, from_ms, to_ms, coalesce(source, 'direct') AS source,
       stream AS on_stream, valued(source, player, os, device, stream) AS valued
FROM stays_by_day WHERE exclusion IS NULL AND is_active;

CREATE TABLE dimensions_by_day AS
SELECT listened_on, tenant, stream, dimension, dimension_value, count(*) FILTER (is_started) AS sessions_started,
       sum(greatest(to_ms - from_ms, 0))::BIGINT / 1000 AS listening_seconds, count(DISTINCT listener_no) AS unique_listeners
FROM (SELECT * EXCLUDE (valued), unnest(valued, recursive := true) FROM net_by_day) GROUP BY ALL;

-- part: periods
CREATE TABLE listeners_by_day AS
SELECT listened_on, tenant, stream, listener_no, bit_or(1 << hour_of_day) AS hours
FROM (SELECT listened_on, tenant, unnest([stream, '*']) AS stream, listener_no, hour_of_day
      FROM stays_by_hour WHERE exclusion IS NULL AND is_active)
GROUP BY listened_on, tenant, stream, listener_no;

CREATE TABLE listeners_by_period AS
SELECT period_no, stream, listener_no, bit_or(hours) AS hours
FROM listeners_by_day AS l JOIN periods AS p ON l.tenant = p.tenant AND listened_on >= first_on AND listened_on < end_on
GROUP BY period_no, stream, listener_no;

CREATE TABLE listening_by_period AS
SELECT tenant, stream, kind, name, unique_listeners, unique_by_hour
FROM (SELECT period_no, stream, count(*) AS unique_listeners, [$unique_by_hour] AS unique_by_hour
      FROM listeners_by_period GROUP BY period_no, stream) JOIN periods USING (period_no);

CREATE TABLE dimensions_by_period AS
WITH known AS (SELECT DISTINCT listener_no, player, os, device FROM listeners),
described AS (SELECT period_no, stream, player, os, device FROM listeners_by_period JOIN known USING (listener_no)),
stays AS (SELECT period_no, stream, listener_no, source, on_stream FROM net_by_day AS n JOIN periods AS p
              ON n.tenant = p.tenant AND listened_on >= first_on AND listened_on < end_on),
counted AS (  -- player, system and device hang on the listener; only where he came from and what he heard may change
    SELECT period_no, stream, 'player' AS dimension, player AS dimension_value, count(*) AS unique_listeners
    FROM described GROUP BY ALL
    UNION ALL SELECT period_no, stream, 'os', os, count(*) FROM described GROUP BY ALL
    UNION ALL SELECT period_no, stream, 'device', device, count(*) FROM described GROUP BY ALL
    UNION ALL SELECT period_no, stream, 'country', 'unknown', count(*) FROM described GROUP BY ALL
    UNION ALL SELECT period_no, stream, 'region', 'unknown', count(*) FROM described GROUP BY ALL
    UNION ALL SELECT period_no, stream, 'source', source, count(DISTINCT listener_no) FROM stays GROUP BY ALL
    UNION ALL SELECT period_no, stream, 'stream', on_stream, count(DISTINCT listener_no) FROM stays GROUP BY ALL
),
small AS (  -- values with few listeners, and the next where these together are few: they become one value (definitions.md section 8)
    SELECT period_no, stream, dimension, dimension_value, '(other)' AS folded FROM counted WHERE dimension <> 'stream'
    QUALIFY unique_listeners < $minimum_group OR sum(unique_listeners) OVER (
        PARTITION BY period_no, stream, dimension ORDER BY unique_listeners, dimension_value
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) < $minimum_group
),
uniques AS (
    SELECT * FROM counted ANTI JOIN small USING (period_no, stream, dimension, dimension_value)
    UNION ALL SELECT period_no, stream, dimension, folded, sum(unique_listeners)::BIGINT
    FROM counted JOIN small USING (period_no, stream, dimension, dimension_value) WHERE dimension <> 'source' GROUP BY ALL
    UNION ALL SELECT s.period_no, s.stream, dimension, folded, count(DISTINCT listener_no)
    FROM stays AS s JOIN small AS f ON s.period_no = f.period_no AND s.stream = f.stream AND source = dimension_value
    WHERE dimension = 'source' GROUP BY ALL
),
sums AS (
    SELECT d.period_no, d.stream, dimension, coalesce(folded, dimension_value) AS dimension_value,
           sum(sessions_started)::BIGINT AS sessions_started, sum(listening_seconds) AS listening_seconds
    FROM (SELECT * FROM dimensions_by_day AS d JOIN periods AS p
              ON d.tenant = p.tenant AND listened_on >= first_on AND listened_on < end_on) AS d
         LEFT JOIN small USING (period_no, stream, dimension, dimension_value)
    GROUP BY ALL
)
SELECT * EXCLUDE (period_no, first_on, end_on)
FROM uniques JOIN sums USING (period_no, stream, dimension, dimension_value) JOIN periods USING (period_no);
