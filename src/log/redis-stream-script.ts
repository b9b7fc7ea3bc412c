/** What is known of a stream, as the scripts read and write it.
 *  Shape: KEYS are those of `RedisKeys.stream`; ARGV[1] is the time, in Unix milliseconds. */
export const STREAM = `
local META, TAIL, RECORDS, LIVE, GONE, WRITER, WAKE, COMMITS, WRITERS = unpack(KEYS, 1, 9)
local now = tonumber(ARGV[1])
local FIELDS = {'kind', 'epochs', 'redis', 'floor', 'head', 'closed', 'retention', 'maxEvents', 'maxBytes', 'maxAge', 'ttl',
  'total', 'loose', 'deleteAt', 'open'}

local function int(number) return string.format('%.0f', number) end

local function load()
  local values = redis.call('HMGET', META, unpack(FIELDS))
  if not values[1] then return nil end
  local m = {}
  for index, field in ipairs(FIELDS) do m[field] = values[index] or nil end
  for _, field in ipairs({'floor', 'head', 'closed', 'maxEvents', 'maxBytes', 'maxAge', 'ttl', 'total', 'loose', 'deleteAt'}) do
    m[field] = tonumber(m[field])
  end
  return m
end

local function wake(name, isDeleted)
  local n = redis.call('INCR', COMMITS)
  if isDeleted then redis.call('XADD', WAKE, 'MAXLEN', '~', '4096', int(n) .. '-0', 's', name, 'd', '1')
  else redis.call('XADD', WAKE, 'MAXLEN', '~', '4096', int(n) .. '-0', 's', name) end
  return n
end

local function remove(name, m)
  for id in string.gmatch(m.open or '', '%S+') do redis.call('HDEL', WRITERS, name .. ' ' .. id) end
  redis.call('DEL', META, TAIL, RECORDS, LIVE, GONE, WRITER)
end

local function isExpired(m) return m.deleteAt and m.deleteAt <= now end

local function describe(status, n, m)
  return {status, n, m.kind, m.epochs, m.floor, m.head, m.closed, m.retention, m.loose}
end

-- The floor that age and size ask for; it may have been raised already.
local function trimmed(m)
  local floor = m.floor
  if m.maxEvents then floor = math.max(floor, m.head - m.maxEvents + 1) end
  if not m.maxBytes and not m.maxAge then return floor end
  local count = 1
  while floor <= m.head do
    local oldest = redis.call('XRANGE', TAIL, int(floor), '+', 'COUNT', count)
    if #oldest == 0 then return floor end
    for _, entry in ipairs(oldest) do
      local offset, at = string.match(entry[1], '^(%d+)-(%d+)$')
      local isTooOld = m.maxAge and tonumber(at) < now - m.maxAge
      local isTooMuch = m.maxBytes and m.total - tonumber(entry[2][4]) >= m.maxBytes
      if not isTooOld and not isTooMuch then return floor end
      floor = tonumber(offset) + 1
    end
    count = 100
  end
  return floor
end

local function trim(m)
  if m.kind ~= 'log' then return false end
  local floor = trimmed(m)
  if floor == m.floor then return false end
  m.floor = floor
  redis.call('XTRIM', TAIL, 'MINID', '~', int(floor))
  return true
end

-- Removes the oldest deletions of a state beyond what is kept of them.
local function dropTombstones(m)
  if m.kind ~= 'state' then return false end
  local before = m.floor
  local count = redis.call('ZCARD', GONE)
  while count > 0 do
    local oldest = redis.call('ZRANGE', GONE, 0, 0, 'WITHSCORES')
    local offset = oldest[2]
    if count <= 10000 then
      local record = redis.call('ZRANGEBYSCORE', RECORDS, offset, offset)[1]
      local at = record and tonumber(string.match(record, '^%d+ (%d+) '))
      if at and at >= now - 86400000 then break end
    end
    redis.call('ZREM', GONE, oldest[1])
    redis.call('ZREMRANGEBYSCORE', RECORDS, offset, offset)
    m.floor = math.max(m.floor, tonumber(offset) + 1)
    count = count - 1
  end
  return m.floor ~= before
end
`;
