-- Users who completed a turn, each by a keyed hash of 16 digits: l:<hash> is when the lease ends (ms of this clock).
local function tell_leases(all)
  for at = 1, #all, 24 do
    local ms = tonumber(string.sub(all, at + 16, at + 23), 16)
    redis.call('SET', prefix .. 'l:' .. string.sub(all, at, at + 15), string.format('%d', now + ms), 'PX', ms)
  end
end

-- How long it lasts, in ms; 0: there is none, -1: something that no weir wrote.
local function lease_of(hash)
  local value = redis.pcall('GET', prefix .. 'l:' .. hash)
  local ends = type(value) == 'string' and #value < 16 and tonumber(string.match(value, '^%d+$'))
  return not value and 0 or not ends and -1 or math.max(0, ends - now)
end

-- told: each has 8 more digits, how long it lasts (ms)
local function leases(told, asked_for)
  local left = {}
  tell_leases(told)
  for at = 1, #asked_for, 16 do left[#left + 1] = lease_of(string.sub(asked_for, at, at + 15)) end
  return left
end
