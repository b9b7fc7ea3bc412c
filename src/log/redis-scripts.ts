import { createHash } from "node:crypto";
import { APPEND } from "./redis-append-script.ts";
import { STREAM } from "./redis-stream-script.ts";

// What Redis does at once, as a whole. A script refuses before its first write: what Lua has written is not taken back.
// Law: the first write is the wake entry, since it is the first that a full Redis refuses.

/** ARGV: now, name, kind, retention, maxEvents, maxBytes, maxAge, ttl, this Redis, an epoch for it. */
const CREATE = `${STREAM}
local name = ARGV[2]
local m = load()
if m and not isExpired(m) then return describe('exists', 0, m) end
local n = wake(name)
if m then remove(name, m) end
m = {kind = ARGV[3], epochs = ARGV[10] .. ':1', floor = 1, head = 0, closed = 0, retention = ARGV[4], loose = 1}
redis.call('HSET', META, 'kind', m.kind, 'epochs', m.epochs, 'redis', ARGV[9], 'floor', 1, 'head', 0, 'closed', 0,
  'retention', m.retention, 'maxEvents', ARGV[5], 'maxBytes', ARGV[6], 'maxAge', ARGV[7], 'ttl', ARGV[8], 'total', 0, 'loose', 1)
return describe('created', n, m)
`;

/** ARGV: now, name, the offset after which it is read (-1: not at all), the most entries, the most characters. */
const LOOK = `${STREAM}
local name, after, maxEntries, maxLength = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local m = load()
local n = tonumber(redis.call('GET', COMMITS) or '0')
if not m or isExpired(m) then return {'missing', n} end
if trim(m) or dropTombstones(m) then redis.call('HSET', META, 'floor', int(m.floor)) end
if after < 0 then return describe('page', n, m) end
if after < m.floor - 1 and not (m.kind == 'state' and after == 0) then return describe('trimmed', n, m) end
local page = describe('page', n, m)
local records, entries, length, count = {}, {}, 0, 0
page[10], page[11] = records, entries
local function isFull() return count >= maxEntries or length > maxLength end

local from = after + 1
if m.kind ~= 'log' and (m.kind == 'state' or from < m.loose) then
  -- A segment may begin before.
  if m.kind == 'chat' then
    records[1] = redis.call('ZREVRANGEBYSCORE', RECORDS, int(from), '-inf', 'LIMIT', 0, 1)[1]
    from = from + 1
  end
  local next = int(from)
  while not isFull() do
    local more = redis.call('ZRANGEBYSCORE', RECORDS, next, '+inf', 'LIMIT', 0, m.kind == 'state' and 100 or 4)
    for _, record in ipairs(more) do
      if isFull() then break end
      records[#records + 1] = record
      count, length = count + 1, length + #record
      next = '(' .. string.match(record, '^(%d+) ')
    end
    if #more == 0 then break end
  end
  if m.kind == 'state' or isFull() then return page end
  from = m.loose
end
local next = int(math.max(from, m.kind == 'chat' and m.loose or m.floor))
while not isFull() do
  local more = redis.call('XRANGE', TAIL, next, '+', 'COUNT', math.min(100, maxEntries - count))
  for _, entry in ipairs(more) do
    if isFull() then break end
    entries[#entries + 1] = entry[1]
    entries[#entries + 1] = entry[2][2]
    count, length = count + 1, length + #entry[2][2]
    next = '(' .. entry[1]
  end
  if #more == 0 then break end
end
return page
`;

/** ARGV: now, name. */
const DELETE = `${STREAM}
local name = ARGV[2]
local m = load()
if not m then return {0, 0} end
local isThere = not isExpired(m)
remove(name, m)
return {isThere and 1 or 0, wake(name, true)}
`;

/** Puts segments in the place of single deltas; nothing where another node did so first.
 *  ARGV: now, epochs as they were read, the first offset, the one after the last, then records. */
const COMPACT = `${STREAM}
local m = load()
if not m or m.epochs ~= ARGV[2] or m.loose ~= tonumber(ARGV[3]) then return 0 end
for index = 5, #ARGV do redis.call('ZADD', RECORDS, string.match(ARGV[index], '^(%d+) '), ARGV[index]) end
redis.call('XTRIM', TAIL, 'MINID', ARGV[4])
redis.call('HSET', META, 'loose', ARGV[4])
local ttl = redis.call('PTTL', META)
if ttl > 0 then redis.call('PEXPIRE', RECORDS, ttl) end
return 1
`;

/** KEYS[1]: a claimed key. ARGV: until when it holds, its lifetime. */
const EXPIRE_KEY = `
if redis.call('HEXISTS', KEYS[1], 'digest') == 1 then redis.call('HSET', KEYS[1], 'expiresAt', ARGV[1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`;

/** Renews the lease of a node by Redis's own clock, and says whose has run out. Nobody's has while it is not sure that all could renew
 *  theirs: after a time in which nobody came, or a jump of the clock, it waits for one term.
 *  KEYS[1]: the leases. ARGV: node (empty: it only looks), term, the longest silence, in milliseconds, 1 where the node leaves.
 *  Shape: whether it may be judged, then the nodes: those that live with a + before them, those that died lately with a -. */
const LEASE = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local term, silence = tonumber(ARGV[2]), tonumber(ARGV[3])
local function int(number) return string.format('%.0f', number) end
local known = redis.call('HGETALL', KEYS[1])
local leases = {}
for index = 1, #known, 2 do leases[known[index]] = tonumber(known[index + 1]) end
local last, quiet = leases['@last'] or 0, leases['@quiet'] or 0
if now - last > silence or now < last then quiet = now + term end
if quiet > now + term then quiet = now + term end
local set = {'@last', int(now), '@quiet', int(quiet)}
if ARGV[1] ~= '' then
  leases[ARGV[1]] = ARGV[4] == '1' and now or now + term
  set[#set + 1], set[#set + 2] = ARGV[1], int(leases[ARGV[1]])
end
redis.call('HSET', KEYS[1], unpack(set))
local living = {now >= quiet and 1 or 0}
for node, ends in pairs(leases) do
  if string.sub(node, 1, 1) ~= '@' then
    if ends > now and ends <= now + term then living[#living + 1] = '+' .. node
    elseif ends < now - 60000 or ends > now + term then redis.call('HDEL', KEYS[1], node)
    else living[#living + 1] = '-' .. node end
  end
end
return living
`;

/** In a Cluster a key and the stream of its append may stand in two slots. The key's own slot then says in which stream it was claimed, and
 *  a token says by whom; the record itself stands beside the stream, in the same commit.
 *  KEYS[1]: the key in its own slot. ARGV: now, stream, token, the token that it may take the place of, lifetime.
 *  Shape: a record, or stream and token of who has it. */
const POINT = `
local known = redis.call('HMGET', KEYS[1], 'digest', 'stream', 'cursor', 'note', 'expiresAt', 'to', 'token')
local function isOver(ends) return ends and tonumber(ends) <= tonumber(ARGV[1]) end
if known[1] and not isOver(known[5]) then return {'record', known[1], known[2], known[3], known[4], known[5]} end
if known[6] and known[7] ~= ARGV[4] then return {'to', known[6], known[7]} end
if ARGV[2] == '' then return {'none'} end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'to', ARGV[2], 'token', ARGV[3])
if ARGV[5] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
return {'to', ARGV[2], ARGV[3]}
`;

/** Reads the record of a key beside a stream; where there is none, an append under this token will be refused from now on.
 *  KEYS[1]: the key in the stream's slot. ARGV: now, token (empty: it only reads). */
const VOID = `
local known = redis.call('HMGET', KEYS[1], 'digest', 'stream', 'cursor', 'note', 'expiresAt')
local isOver = known[5] and tonumber(known[5]) <= tonumber(ARGV[1])
if known[1] and not isOver then return {'record', known[1], known[2], known[3], known[4], known[5]} end
if ARGV[2] == '' then return {'none'} end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'void', ARGV[2])
redis.call('PEXPIRE', KEYS[1], 60000)
return {'none'}
`;

/** The writers of some partitions that have begun and not ended. */
const WRITERS = `
local all = {}
for index = 1, #KEYS do
  local some = redis.call('HGETALL', KEYS[index])
  for field = 1, #some do all[#all + 1] = some[field] end
end
return all
`;

const SOURCES = {
  create: CREATE,
  append: APPEND,
  look: LOOK,
  delete: DELETE,
  compact: COMPACT,
  expireKey: EXPIRE_KEY,
  lease: LEASE,
  point: POINT,
  void: VOID,
  writers: WRITERS,
} as const;

export type ScriptName = keyof typeof SOURCES;

export interface Script {
  source: string;
  sha: string;
}

export const SCRIPTS = Object.fromEntries(
  Object.entries(SOURCES).map(([name, source]) => [
    name,
    { source, sha: createHash("sha1").update(source).digest("hex") },
  ]),
) as Record<ScriptName, Script>; // the keys of SOURCES
