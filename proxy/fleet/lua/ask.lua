-- Between two syncs, for one upstream for which somebody waits. ARGV: node, lease, how long a waiting node is
-- believed, leases that are told and asked for, then the upstream's name and nine numbers (asked).
local stored = redis.call('HGET', prefix .. 'plan', ARGV[6])
local u, a, newer = asked(6, stored)
local held = ask(u, ARGV[1], a, redis.call('ZCARD', prefix .. 'nodes'), tonumber(ARGV[2]), tonumber(ARGV[3]))
return {held, newer, leases(ARGV[4], ARGV[5])}
