import { STREAM } from "./redis-stream-script.ts";

/** ARGV: as of CREATE (no kind: the stream must exist), then node, whether it closes, writer, its epoch and step, whether it is to be
 *  the only one, the writer it ends, digest, note, end, lifetime and token of a key (KEYS[10] where there is one), then for
 *  each event its text and length, and in a state its key (with k before it) and whether that is deleted. */
export const APPEND = `${STREAM}
local name, redisId, node, closes = ARGV[2], ARGV[9], ARGV[11], ARGV[12] == '1'
local writerId, writerEpoch, step = ARGV[13], tonumber(ARGV[14]), tonumber(ARGV[15])
local isSole, ends, digest = ARGV[16] == '1', ARGV[17], ARGV[18]
local FIRST, WIDTH = 23, 4
local count = (#ARGV - FIRST + 1) / WIDTH

if KEYS[10] then
  local known = redis.call('HMGET', KEYS[10], 'digest', 'stream', 'cursor', 'note', 'expiresAt', 'void', 'to', 'token')
  if known[1] and not (known[5] and tonumber(known[5]) <= now) then
    if known[1] ~= digest then return {'key-reused'} end
    return {'replayed', known[1], known[2], known[3], known[4], known[5]}
  end
  -- In a Cluster: its claim was taken over, or leads elsewhere.
  local token = ARGV[22]
  if known[6] == token and token ~= '' then return {'voided'} end
  if known[7] and known[7] ~= name then return {'voided'} end
end

local m = load()
local former = m and isExpired(m) and m or nil
if former then m = nil end
local isNew = m == nil
if isNew then
  if ARGV[3] == '' then return {'missing'} end
  m = {kind = ARGV[3], epochs = ARGV[10] .. ':1', redis = redisId, floor = 1, head = 0, closed = 0, retention = ARGV[4],
    maxEvents = tonumber(ARGV[5]), maxBytes = tonumber(ARGV[6]), maxAge = tonumber(ARGV[7]), ttl = tonumber(ARGV[8]),
    total = 0, loose = 1, open = ''}
end
m.open = m.open or ''

local function readWriter(id)
  local text = not isNew and redis.call('HGET', WRITER, id)
  if not text then return nil end
  local epoch, seq, ended, recent = string.match(text, '^(%S+) (%S+) (%S+) ?(.*)$')
  local w = {epoch = tonumber(epoch), seq = tonumber(seq), isEnded = ended == '1', recent = {}}
  for one in string.gmatch(recent, '%S+') do w.recent[#w.recent + 1] = one end
  return w
end

local function cursorOf(offset)
  local epoch
  for one, from in string.gmatch(m.epochs, '(%w+):(%d+)') do
    if not epoch or tonumber(from) <= offset then epoch = one end
  end
  return epoch .. '.' .. int(offset)
end

local writer = writerId ~= '' and readWriter(writerId) or nil
if writerId ~= '' then
  if not writer then
    if step ~= 0 then return {'sequence-gap', 0} end
  elseif writerEpoch < writer.epoch then
    return {'fenced', writer.epoch}
  elseif writerEpoch == writer.epoch and step <= writer.seq then
    local answer = writer.recent[#writer.recent - (writer.seq - step)]
    if not answer then return {'sequence-gap', writer.seq + 1} end
    local first, last = string.match(answer, '^(%d+):(%d+)$')
    return {'repeated', tonumber(first), tonumber(last), cursorOf(tonumber(last))}
  elseif writer.isEnded then
    return {'ended'}
  else
    local expected = writerEpoch == writer.epoch and writer.seq + 1 or 0
    if step ~= expected then return {'sequence-gap', expected} end
  end
end
if isSole and writerId ~= '' then
  for id in string.gmatch(m.open, '%S+') do
    if id ~= writerId then return {'occupied', id} end
  end
end
local ended = ends ~= '' and ends ~= writerId and readWriter(ends) or nil
if ended and ended.isEnded then return {'ended'} end
if m.closed == 1 then return {'closed', cursorOf(m.head)} end

if m.kind == 'state' then
  local limit = m.maxEvents or 10000
  local size = isNew and 0 or redis.call('HLEN', LIVE)
  local changed = {}
  for index = 0, count - 1 do
    local key = ARGV[FIRST + index * WIDTH + 2]
    local isDeleted = ARGV[FIRST + index * WIDTH + 3] == '1'
    if key == '' then return {'no-key'} end
    local isThere = changed[key]
    if isThere == nil then isThere = not isNew and redis.call('HEXISTS', LIVE, string.sub(key, 2)) == 1 end
    changed[key] = not isDeleted
    if not isDeleted then size = size + 1 end
    if isThere then size = size - 1 end
    if size > limit and not isThere then return {'too-many-keys', limit} end
  end
end

-- From here on it writes.
local n = wake(name)
if former then remove(name, former) end
local set = {}
local function put(field, value) set[#set + 1] = field; set[#set + 1] = value end

if isNew then
  put('kind', m.kind) put('redis', redisId) put('epochs', m.epochs) put('retention', m.retention)
  put('maxEvents', ARGV[5]) put('maxBytes', ARGV[6]) put('maxAge', ARGV[7]) put('ttl', ARGV[8])
  put('closed', 0) put('total', 0) put('loose', 1) put('floor', 1)
elseif m.redis ~= redisId then
  -- Another Redis than the one that began this epoch, or the same after a restart: what was committed may be gone.
  local kept = {}
  for link in string.gmatch(m.epochs, '%S+') do kept[#kept + 1] = link end
  while #kept > 63 do table.remove(kept, 1) end
  kept[#kept + 1] = ARGV[10] .. ':' .. int(m.head + 1)
  m.epochs = table.concat(kept, ' ')
  put('redis', redisId) put('epochs', m.epochs)
end

local first = m.head + 1
for index = 0, count - 1 do
  local at = FIRST + index * WIDTH
  local offset = int(first + index)
  if m.kind == 'state' then
    local key = string.sub(ARGV[at + 2], 2)
    local before = redis.call('HGET', LIVE, key) or redis.call('ZSCORE', GONE, key)
    if before then
      redis.call('ZREMRANGEBYSCORE', RECORDS, before, before)
      redis.call('ZREM', GONE, key)
    end
    if ARGV[at + 3] == '1' then
      redis.call('HDEL', LIVE, key)
      redis.call('ZADD', GONE, offset, key)
    else
      redis.call('HSET', LIVE, key, offset)
    end
    redis.call('ZADD', RECORDS, offset, offset .. ' ' .. ARGV[1] .. ' ' .. ARGV[at])
  elseif m.kind == 'log' then
    m.total = m.total + tonumber(ARGV[at + 1])
    redis.call('XADD', TAIL, offset .. '-' .. ARGV[1], 'd', ARGV[at], 't', int(m.total))
  else
    redis.call('XADD', TAIL, offset .. '-' .. ARGV[1], 'd', ARGV[at])
  end
end
m.head = m.head + count
put('head', int(m.head))
if m.kind == 'log' then put('total', int(m.total)) end
if trim(m) or dropTombstones(m) then put('floor', int(m.floor)) end

local function without(id)
  local rest = {}
  for one in string.gmatch(m.open, '%S+') do if one ~= id then rest[#rest + 1] = one end end
  return table.concat(rest, ' ')
end
local opened = m.open
if writerId ~= '' then
  local recent = {}
  if writer and writer.epoch == writerEpoch then
    for index = math.max(1, #writer.recent - 14), #writer.recent do recent[#recent + 1] = writer.recent[index] end
  end
  recent[#recent + 1] = int(first) .. ':' .. int(m.head)
  local isOver = ends == writerId
  redis.call('HSET', WRITER, writerId,
    int(writerEpoch) .. ' ' .. int(step) .. ' ' .. (isOver and '1' or '0') .. ' ' .. table.concat(recent, ' '))
  if isOver then
    m.open = without(writerId)
    redis.call('HDEL', WRITERS, name .. ' ' .. writerId)
  elseif not writer or writer.epoch ~= writerEpoch then
    m.open = without(writerId) .. ' ' .. writerId
    redis.call('HSET', WRITERS, name .. ' ' .. writerId, int(writerEpoch) .. ' ' .. node)
  end
end
if ends ~= '' and ends ~= writerId then
  local w = ended or {epoch = 0, seq = -1, recent = {}}
  redis.call('HSET', WRITER, ends, int(w.epoch) .. ' ' .. int(w.seq) .. ' 1 ' .. table.concat(w.recent, ' '))
  m.open = without(ends)
  redis.call('HDEL', WRITERS, name .. ' ' .. ends)
end
if m.open ~= opened then put('open', m.open) end
if closes then
  m.closed = 1
  put('closed', 1)
  if m.ttl then put('deleteAt', int(now + m.ttl)) end
end
redis.call('HSET', META, unpack(set))
if closes and m.ttl then
  -- Forgotten by Redis itself, some time after it is over for its readers.
  for index = 1, 6 do redis.call('PEXPIRE', KEYS[index], int(m.ttl + 60000)) end
end
if KEYS[10] then
  redis.call('DEL', KEYS[10])
  redis.call('HSET', KEYS[10], 'digest', digest, 'stream', name, 'cursor', cursorOf(m.head))
  if ARGV[19] ~= '' then redis.call('HSET', KEYS[10], 'note', string.sub(ARGV[19], 2)) end
  if ARGV[20] ~= '' then
    redis.call('HSET', KEYS[10], 'expiresAt', ARGV[20])
    redis.call('PEXPIRE', KEYS[10], ARGV[21])
  end
end
local reply = describe('appended', n, m)
reply[10] = first
return reply
`;
