-- Between two syncs, for one upstream for which somebody waits. ARGV: node, lease, how long a waiting node is
-- believed, then the upstream's name and nine numbers (asked).
local stored = redis.call('HGET', prefix .. 'plan', ARGV[4])
local u, a, newer = asked(4, stored)
return {ask(u, ARGV[1], a, redis.call('ZCARD', prefix .. 'nodes'), tonumber(ARGV[2]), tonumber(ARGV[3])), newer}
