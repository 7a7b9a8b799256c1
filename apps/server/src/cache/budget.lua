-- The request budget of one exchange, shared by all processes behind one address. KEYS[1] is a hash:
--   s:<slot>     cost of requests that ended in that slot of time
--   u:<ticket>   a request under way: weight, its order, cost ended before it left, end of its lease (ms)
--   p:<process>  when that process last took part (ms)
--   order, ended, corrected, blocked
-- ARGV: what to do, now (ms, empty: the server's clock), window (ms), process, then what the call needs.
-- A request is counted while it is under way and for one window after it ended, wherever the exchange's own window lies.
local key, what, window, process = KEYS[1], ARGV[1], tonumber(ARGV[3]), ARGV[4]
local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local SLOTS = 120
local slot_ms = math.max(1, math.ceil(window / SLOTS))
-- A process that dies never settles: its requests count as ended after this.
local LEASE_MS = 60000

local spent, open, value = {}, {}, { order = 0, ended = 0, corrected = 0, blocked = 0 }
local sum, underway, processes, known = 0, 0, 1, false

local function put(field, number) redis.call('HSET', key, field, string.format('%.0f', number)) end
local function ends(slot) return (slot + 1) * slot_ms + window end
local function spend(weight, at)
  local slot = math.floor(at / slot_ms)
  if weight <= 0 or ends(slot) <= now then return end
  spent[slot] = (spent[slot] or 0) + weight
  sum = sum + weight
  put('s:' .. slot, spent[slot])
end
local function finish(ticket, at)
  local weight = open[ticket].weight
  open[ticket] = nil
  redis.call('HDEL', key, 'u:' .. ticket)
  underway = underway - weight
  value.ended = value.ended + weight
  put('ended', value.ended)
  spend(weight, at)
end
local function oldest_first()
  local slots = {}
  for slot in pairs(spent) do slots[#slots + 1] = slot end
  table.sort(slots)
  return slots
end
local function remove(weight)
  for _, slot in ipairs(oldest_first()) do
    if weight <= 0 then return end
    local cut = math.min(weight, spent[slot])
    spent[slot], sum, weight = spent[slot] - cut, sum - cut, weight - cut
    if spent[slot] == 0 then redis.call('HDEL', key, 's:' .. slot) else put('s:' .. slot, spent[slot]) end
  end
end

local fields = redis.call('HGETALL', key)
for i = 1, #fields, 2 do
  local field, text = fields[i], fields[i + 1]
  local kind, name = string.sub(field, 1, 2), string.sub(field, 3)
  if kind == 's:' then
    local slot, weight = tonumber(name), tonumber(text)
    if ends(slot) <= now then
      redis.call('HDEL', key, field)
    else
      spent[slot], sum = weight, sum + weight
    end
  elseif kind == 'u:' then
    local weight, order, ended, lease = string.match(text, '^(%d+) (%d+) (%d+) (%d+)$')
    open[name] = { weight = tonumber(weight), order = tonumber(order), ended = tonumber(ended), lease = tonumber(lease) }
    underway = underway + open[name].weight
  elseif kind == 'p:' then
    if name == process then known = true
    elseif tonumber(text) + 2 * window <= now then redis.call('HDEL', key, field)
    else processes = processes + 1 end
  else
    value[field] = tonumber(text)
  end
end
local late = {}
for ticket, request in pairs(open) do
  if request.lease <= now then late[#late + 1] = ticket end
end
table.sort(late)
for _, ticket in ipairs(late) do finish(ticket, open[ticket].lease) end

local function wait_for(weight, cap)
  local left, free = sum + underway, now
  for _, slot in ipairs(oldest_first()) do
    if left + weight <= cap then break end
    left, free = left - spent[slot], ends(slot)
  end
  if left == 0 or left + weight <= cap then return free - now end
  -- A request under way must end first, perhaps another process's: nobody tells us when it does.
  return math.max(1, math.min(100, math.floor(window / 20)))
end

local ticket, wait = '', 0
if what == 'take' then
  local weight, cap, own, alone = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8] == '1'
  -- The ledger was lost, or it does not know what this process spent without it.
  if alone or not known then spend(own, now) end
  put('p:' .. process, now)
  wait = math.max(value.blocked - now, wait_for(weight, cap))
  if wait <= 0 then
    value.order = value.order + 1
    put('order', value.order)
    ticket = process .. ':' .. string.format('%.0f', value.order)
    local request = string.format('%.0f %.0f %.0f %.0f', weight, value.order, value.ended, now + LEASE_MS)
    redis.call('HSET', key, 'u:' .. ticket, request)
    underway = underway + weight
    wait = 0
  end
elseif what == 'settle' then
  local request, reported = open[ARGV[5]], tonumber(ARGV[6])
  if request then
    local beside = value.ended - request.ended
    finish(ARGV[5], now)
    -- An answer that was overtaken may tell the count of a window that has ended.
    if reported and request.order >= value.corrected then
      put('corrected', request.order)
      if reported > sum then spend(reported - sum, now) else remove(sum - reported - beside) end
    end
  end
elseif what == 'block' then
  value.blocked = math.max(value.blocked, now + tonumber(ARGV[5]))
  put('blocked', value.blocked)
end
redis.call('PEXPIRE', key, math.max(2 * window + LEASE_MS, value.blocked - now + window))
return { ticket, wait, math.max(0, value.blocked - now), sum + underway, processes }
