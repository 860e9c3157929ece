-- Every node that lives, for the leader and for `weirctl fleet`: node, when it wrote, its record; and how many have
-- gone in good order just now, which the next leader has to know; and, for those who look, who fell silent and when:
-- node, when it wrote last; and those nodes whose records are asked for by further calls: node, when it wrote.
-- ARGV: lease, for how long the lost are of interest (0: they are not), how many records at most.
local prefix = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local alive = redis.call('ZRANGEBYSCORE', prefix .. 'nodes', now - ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, 1000)
local ids, rows, most, more = {}, {}, 2 * ARGV[3], {}
for i = 1, math.min(#alive, most), 2 do ids[#ids + 1] = alive[i] end
for i = most + 1, #alive do more[#more + 1] = alive[i] end
local records = #ids > 0 and redis.call('HMGET', prefix .. 'rec', unpack(ids)) or {}
for i = 1, #ids do
  rows[3 * i - 2] = ids[i]
  rows[3 * i - 1] = alive[2 * i]
  rows[3 * i] = records[i] and #records[i] <= 65536 and records[i] or ''
end
local lost = {}
if ARGV[2] ~= '0' then
  lost = redis.pcall('ZRANGEBYSCORE', prefix .. 'lost', now - ARGV[2], '+inf', 'WITHSCORES', 'LIMIT', 0, 64)
  if lost.err then lost = {} end
end
return {now, rows, redis.call('ZCOUNT', prefix .. 'left', now - 2000, '+inf'), lost, more}
