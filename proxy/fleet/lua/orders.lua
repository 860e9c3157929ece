-- All operators' commands: what, value, and so on. What no weir writes, too long or too much, is taken away.
-- ARGV: bytes of what, bytes of a value, how many may be kept.
local orders = KEYS[1] .. 'orders'
local what, value, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local all, out = redis.call('HGETALL', orders), {}
for i = 1, #all, 2 do
  if #all[i] > what or #all[i + 1] > value or #out >= 2 * most then
    redis.call('HDEL', orders, all[i])
  else
    out[#out + 1] = all[i]
    out[#out + 1] = all[i + 1]
  end
end
return {out, (#all - #out) / 2}
