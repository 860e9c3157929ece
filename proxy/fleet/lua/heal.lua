-- Keys of weir's own that are there as another type, which nobody but a stranger has made: they are taken away, and
-- written anew with the next calls. ARGV: upstreams. How many they were.
local prefix = KEYS[1]
-- Of each type a command that fails where the key is of another.
local words = {string = 'GET', hash = 'HLEN', zset = 'ZCARD'}
local healed = 0
local function heal(key, kind)
  local r = redis.pcall(words[kind], prefix .. key)
  if type(r) == 'table' and r.err and string.find(r.err, 'WRONGTYPE', 1, true) then
    redis.call('DEL', prefix .. key)
    healed = healed + 1
  end
end
heal('leader', 'string')
heal('nodes', 'zset')
heal('rec', 'hash')
heal('plan', 'hash')
heal('left', 'zset')
heal('lost', 'zset')
heal('orders', 'hash')
heal('orders.v', 'string')
for i = 1, #ARGV do
  heal('p:' .. ARGV[i], 'hash')
  heal('t:' .. ARGV[i], 'zset')
  heal('h:' .. ARGV[i], 'zset')
  heal('w:' .. ARGV[i], 'zset')
end
return healed
