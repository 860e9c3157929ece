-- One node's period: its record in; who lives and leads, the permits and newer plans out.
-- ARGV: node, record, lease, leader's lease, what the leader's settings hash to, how long a waiting node is believed,
--       leases that are told and asked for, then for each upstream its name and nine numbers (asked).
local id, lease = ARGV[1], tonumber(ARGV[3])
local nodes, rec, leader = prefix .. 'nodes', prefix .. 'rec', prefix .. 'leader'

redis.call('ZADD', nodes, now, id)
redis.call('HSET', rec, id, ARGV[2])
for _, other in ipairs(redis.call('ZRANGEBYSCORE', nodes, '-inf', now - lease, 'LIMIT', 0, 4)) do
  redis.call('ZREM', nodes, other)
  redis.call('HDEL', rec, other)
end
redis.call('PEXPIRE', nodes, kept)
redis.call('PEXPIRE', rec, kept)

local leads = redis.call('GET', leader)
if not leads or string.sub(leads, 1, #id + 1) == id .. ' ' then
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
return {now, n, leads, redis.call('GET', prefix .. 'orders.v') or '', answers, plans, left}
