-- What the leader has found out, if it still leads; an older plan never takes the place of a newer one that is in force.
-- ARGV: node, how long a plan is kept, then for each upstream: name, epoch, total, p, text.
local prefix = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local id, plan = ARGV[1], prefix .. 'plan'
local leads = redis.call('GET', prefix .. 'leader')
if not leads or string.sub(leads, 1, #id + 1) ~= id .. ' ' then return -1 end
local taken = 0
for at = 3, #ARGV, 5 do
  local epoch, made = string.match(redis.call('HGET', plan, ARGV[at]) or '', '^(%d+) %d+ %d+ (%d+)|')
  local old = not epoch or math.abs(now - tonumber(made)) > tonumber(ARGV[2])
  if old or tonumber(ARGV[at + 1]) > tonumber(epoch) then
    redis.call('HSET', plan, ARGV[at],
      string.format('%s %s %s %d|%s', ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], now, ARGV[at + 4]))
    taken = taken + 1
  end
end
redis.call('PEXPIRE', plan, ARGV[2])
return taken
