-- One node's period: its record in; who lives and leads, the permits and newer plans out.
-- ARGV: node, record, lease, leader's lease, what the leader's settings hash to, how long a waiting node is believed,
--       leases that are told and asked for, then for each upstream its name and nine numbers (asked).
local id, lease = ARGV[1], tonumber(ARGV[3])
local nodes, rec, leader = prefix .. 'nodes', prefix .. 'rec', prefix .. 'leader'

redis.call('ZADD', nodes, now, id)
redis.call('HSET', rec, id, ARGV[2])
-- of no time that has been
for _, other in ipairs(redis.call('ZRANGEBYSCORE', nodes, now + lease, '+inf', 'LIMIT', 0, 4)) do
  redis.call('ZREM', nodes, other)
  redis.call('HDEL', rec, other)
end
local silent = redis.call('ZRANGEBYSCORE', nodes, '-inf', now - lease, 'WITHSCORES', 'LIMIT', 0, 4)
for i = 1, #silent, 2 do
  redis.call('ZREM', nodes, silent[i])
  redis.call('HDEL', rec, silent[i])
  redis.pcall('ZADD', prefix .. 'lost', silent[i + 1], silent[i])
end
if #silent > 0 then
  local lost = prefix .. 'lost'
  for _, old in ipairs(redis.pcall('ZRANGE', lost, 0, -65)) do redis.pcall('ZREM', lost, old) end
  redis.call('PEXPIRE', lost, 600000)
end
redis.call('PEXPIRE', nodes, kept)
redis.call('PEXPIRE', rec, kept)

local leads = redis.call('GET', leader)
if not leads or #leads > 80 or not string.match(leads, '^[%w_-]+%.%x+ %x+$') or string.sub(leads, 1, #id + 1) == id .. ' ' then
  leads = id .. ' ' .. ARGV[5]
  redis.call('SET', leader, leads, 'PX', ARGV[4])
end

local n = redis.call('ZCARD', nodes)
local left = leases(ARGV[7], ARGV[8])
local answers, plans, fields = {}, {}, {}
for at = 9, #ARGV, 10 do fields[#fields + 1] = ARGV[at] end
local stored = #fields > 0 and redis.call('HMGET', prefix .. 'plan', unpack(fields)) or {}
for i = 1, #fields do
  local u, a, newer = asked(9 + 10 * (i - 1), stored[i])
  answers[i] = ask(u, id, a, n, lease, tonumber(ARGV[6]))
  plans[i] = newer
end
return {now, n, leads, string.sub(redis.call('GET', prefix .. 'orders.v') or '', 1, 24), answers, plans, left}
