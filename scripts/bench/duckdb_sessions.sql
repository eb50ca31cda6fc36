-- The comparison job: HAProxy logs to listening figures in plain DuckDB SQL, by definitions.md, sections 1 to 7.
--
-- duckdb_side.py fills in what begins with a dollar sign and runs this part by part. It makes beforehand: the tables
-- streams, tenant_keys and length_edges, the macro stream_of (all from tenants.yaml), and between the parts agents,
-- hours (the tenants' calendars) and periods. Every instant is a number of milliseconds since 1970, UTC.
-- It is written for the logs of one house: BSD syslog in front, three captures, stamps in UTC. What a script for one
-- occasion would leave out it leaves out: an account of every line, sketches, and what is new since last time.

-- part: ingest
CREATE TABLE requests AS
WITH split AS (
    SELECT string_split(line, ' ') AS f, string_split(line, '"')[2] AS request, string_split(line, '{')[2] AS captured
    FROM read_csv('$landing/haproxy/**/*.gz', columns = {'line': 'VARCHAR'}, auto_detect = false, header = false,
                  delim = '\x01', quote = '', escape = '', max_line_size = 1048576)
    WHERE contains(line, '"GET ')
),
placed AS (  -- `Jan  5` has a space more than `Jan 15`
    SELECT *, if(f[2] = '', 1, 0) AS o, string_split(string_split(captured, '}')[1], '|') AS headers FROM split
),
named AS (
    SELECT
        array_to_string(string_split(f[6 + o], ':')[:-2], ':') AS address,
        epoch_ms(try_strptime(f[7 + o], '[%d/%b/%Y:%H:%M:%S.%g]')) AS at_ms,
        rtrim(f[8 + o], '~') AS frontend,
        string_split(f[10 + o], '/')[5] AS total,
        f[11 + o] AS status,
        try_cast(ltrim(f[12 + o], '+') AS BIGINT) AS byte_count,
        string_split(lower(headers[1]), ':')[1] AS host,
        headers[2] AS referrer,
        coalesce(headers[3], '') AS agent,
        string_split(string_split(request, ' ')[2], '?')[1] AS uri
    FROM placed
    WHERE f[11 + o] IN ('200', '206', '304')
),
located AS (SELECT *, if(starts_with(uri, '/'), uri, regexp_replace(uri, '^[^:]+://[^/]*', '')) AS path FROM named),
claimed AS (
    SELECT *, CASE WHEN NOT is_hls THEN 'long' WHEN path LIKE '%.m3u8' THEN 'playlist'
                   WHEN path LIKE '%.ts' OR path LIKE '%.aac' OR path LIKE '%.m4s' OR path LIKE '%.mp4' OR path LIKE '%.mp3'
                        OR path LIKE '%.ac3' OR path LIKE '%.vtt' THEN 'segment' END AS kind
    FROM (SELECT *, stream_of(frontend, host, path) AS stream_no FROM located) JOIN streams USING (stream_no)
)
SELECT
    stream_no, address, agent, at_ms, byte_count, kind,
    if(referrer = '', NULL, referrer) AS referrer,
    starts_with(total, '+') AND kind = 'long' AS is_early,
    greatest(try_cast(ltrim(total, '+') AS BIGINT), 0) AS total_ms, at_ms + total_ms AS logged_ms
FROM claimed
WHERE kind IS NOT NULL AND (status <> '304' OR kind = 'playlist');

-- part: listeners
CREATE MACRO hmac(inner_pad, outer_pad, message) AS  -- RFC 2104 with SHA-256
    sha256(outer_pad || unhex(sha256(inner_pad || encode(message))));
CREATE MACRO filled(l, r) AS (l || list_transform(range(8 - len(l) - len(r)), lambda g: '0') || r)[:4];
CREATE MACRO groups(text) AS list_filter(string_split(coalesce(text, ''), ':'), lambda g: g <> '');
CREATE MACRO network(address) AS filled(groups(string_split(address, '::')[1]), groups(string_split(address, '::')[2]));
CREATE MACRO canonical(address) AS CASE
    WHEN NOT contains(address, ':') THEN address
    WHEN starts_with(address, '::ffff:') THEN address[8:]
    ELSE regexp_replace(array_to_string(network(address), ':'), '(^|:)0(:0)*$$', '') || '::'
END;

CREATE TABLE listeners AS
WITH pairs AS (SELECT DISTINCT tenant, address, requests.agent FROM requests JOIN streams USING (stream_no))
SELECT
    tenant, address, raw AS agent,
    substr(hmac(inner_pad, outer_pad, canonical(address) || chr(10) || agents.agent), 1, 32) AS listener_id,
    (dense_rank() OVER (ORDER BY tenant, listener_id))::INT AS listener_no,  -- quicker to count than the id
    CASE
        WHEN regexp_matches(agents.agent, '(?i)bot|crawler|spider') THEN 'bot'
        WHEN regexp_matches(agents.agent, '(?i)uptime|monitor') THEN 'monitor'
        WHEN starts_with(agents.agent, 'Icecast ') THEN 'relay'
        WHEN agents.agent = '' THEN 'no_user_agent'
        WHEN starts_with(canonical(address), '10.') THEN 'internal'
    END AS exclusion,
    player, player_version, os, device
FROM pairs JOIN agents ON pairs.agent = agents.raw JOIN tenant_keys USING (tenant);

-- part: sessions
CREATE TABLE sessions AS
WITH pieces AS (  -- numbers only: what is known of the stream and the listener is joined to the few sessions
    SELECT
        stream_no, listener_no, at_ms AS starts, byte_count, kind <> 'playlist' AS is_media, NOT is_early AS has_end,
        if(is_early, at_ms, logged_ms + if(kind = 'segment', segment_ms, 0)) AS ends,
        if(is_hls, $gap_ms, $long_gap_ms) AS gap_ms, referrer
    FROM requests JOIN streams USING (stream_no) JOIN listeners USING (tenant, address, agent)
),
reached AS (
    SELECT *, max(ends) OVER (PARTITION BY stream_no, listener_no ORDER BY starts, ends
                              ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM pieces
),
numbered AS (
    SELECT *, count(*) FILTER (before IS NULL OR starts > before + gap_ms) OVER (
        PARTITION BY stream_no, listener_no ORDER BY starts, ends ROWS UNBOUNDED PRECEDING) AS number
    FROM reached
),
merged AS (
    SELECT
        stream_no, listener_no, min(starts) AS started_ms, max(starts) AS last_request_ms,
        if(bool_or(has_end), max(ends), NULL) AS ended_ms,
        count(*) AS request_count, count(*) FILTER (is_media) AS media_count, sum(byte_count)::BIGINT AS byte_count,
        arg_min(referrer, starts) FILTER (referrer IS NOT NULL) AS referrer
    FROM numbered GROUP BY stream_no, listener_no, number
),
known AS (SELECT DISTINCT ON (listener_no) * EXCLUDE (tenant, address, agent) FROM listeners)
SELECT
    tenant, stream, protocol, known.* EXCLUDE (exclusion), merged.* EXCLUDE (stream_no, listener_no, referrer),
    substr(sha256(concat_ws('|', tenant, stream, listener_id, started_ms)), 1, 32) AS session_id,
    coalesce(exclusion, if(is_hls AND media_count = 0, 'no_media', NULL)) AS exclusion,
    coalesce(ended_ms - started_ms > 86400000, false) AS is_marathon,
    lower(nullif(regexp_extract(referrer, '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?@]*@)?([^/?:]+)', 1), '')) AS source
FROM merged JOIN streams USING (stream_no) JOIN known USING (listener_no);
