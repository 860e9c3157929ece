-- The records of these nodes, which a read has named; '' where there is none. ARGV: nodes.
local records = redis.call('HMGET', KEYS[1] .. 'rec', unpack(ARGV))
for i = 1, #ARGV do records[i] = records[i] and #records[i] <= 65536 and records[i] or '' end
return records
