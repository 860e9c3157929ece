-- A node goes in good order: its places are the others' at once. ARGV: node, its upstreams.
local id = ARGV[1]
redis.call('ZREM', prefix .. 'nodes', id)
redis.call('HDEL', prefix .. 'rec', id)
for i = 2, #ARGV do
  local p = prefix .. 'p:' .. ARGV[i]
  local sum = four(redis.call('HGET', p, 'sum'))
  for _, key in ipairs({'t:', 'h:', 'w:'}) do redis.call('ZCARD', prefix .. key .. ARGV[i]) end -- fails before a half is done
  forget(ARGV[i], id, sum)
  redis.call('HSET', p, 'sum', string.format('%d %d %d %d', sum[1], sum[2], sum[3], sum[4]))
  redis.call('PEXPIRE', p, kept)
end
redis.call('ZADD', prefix .. 'left', now, id)
redis.call('PEXPIRE', prefix .. 'left', 10000)
local leads = redis.call('GET', prefix .. 'leader')
if leads and string.sub(leads, 1, #id + 1) == id .. ' ' then redis.call('DEL', prefix .. 'leader') end
return 1
