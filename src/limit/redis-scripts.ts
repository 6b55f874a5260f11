// What Redis does for a limit: two scripts in Lua, each atomic, by Redis's own clock.

/** A script, and the name by which Redis knows it: the SHA-1 of its text. */
export interface Script {
  readonly text: string;
  readonly sha1: string;
}

/**
 * How a count is kept: one text a key, at most 210 bytes, of at most 21 groups, oldest first. A group has its units
 * (3 bytes) and the time of its last unit in microseconds (7 bytes), both big-endian. Nothing in it depends on the rule of
 * the limit, so that machines with different configs may read it. A group stays until its last unit is out of the window:
 * the count is never too low, and too high by less than one group, a twentieth of the limit.
 *
 * When the clock has been set back, the times are moved back with it, so that none is in the future: every unit counts at
 * least as long as it should, and at most one window longer.
 */
const READ = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function packed(units, times)
  local parts = {}
  for i = 1, #units do parts[i] = struct.pack('>I3I7', units[i], times[i]) end
  return table.concat(parts)
end

local function read(key, window)
  local units, times, sum = {}, {}, 0
  local kept = redis.call('GET', key)
  if kept and #kept >= 10 then
    local ahead = math.max(0, struct.unpack('>I7', kept, #kept - 6) - now)
    for at = 1, #kept, 10 do
      local count, last = struct.unpack('>I3I7', kept, at)
      last = last - ahead
      if now - last <= window then
        units[#units + 1] = count
        times[#times + 1] = last
        sum = sum + count
      end
    end
    -- At once, for a refusal writes nothing more.
    if ahead > 0 then redis.call('SET', key, packed(units, times), 'PX', math.ceil(window / 1000) + 1) end
  end
  return units, times, sum
end
`;

/**
 * Takes units of several limits, of all or of none. KEYS: one a limit. ARGV: four a limit: the limit, its window in
 * microseconds, the units, and 1 when it may refuse or 0 when it only observes. Returns the time in microseconds, the
 * number of the first limit that refuses (from 1; 0 for none), and three numbers a limit: whether the units fit, the
 * units that are left, and microseconds until there are more; of one that they do not fit, until they would.
 */
export const TAKE: Script = {
  sha1: "084571a5167b0e9295754c4b9d42cb7d60d7105d",
  text: `${READ}
local refused = 0
local said = { now, 0 }
local writes = {}
for i = 1, #KEYS do
  local limit, window, wanted = tonumber(ARGV[i * 4 - 3]), tonumber(ARGV[i * 4 - 2]), tonumber(ARGV[i * 4 - 1])
  local units, times, sum = read(KEYS[i], window)
  local need = 1
  local fits = sum + wanted <= limit
  if fits then
    local group = math.floor(limit / 20) + 1
    local rest = wanted
    while rest > 0 do
      local n = #units
      if n == 0 or units[n] >= group then
        n = n + 1
        units[n] = 0
      end
      local part = math.min(rest, group - units[n])
      units[n] = units[n] + part
      times[n] = now
      rest = rest - part
    end
    -- Only where machines have different limits: two groups become one that stays as long as the younger.
    while #units > 21 do
      units[2] = units[2] + table.remove(units, 1)
      table.remove(times, 1)
    end
    sum = sum + wanted
    if wanted > 0 then
      writes[#writes + 1] = { KEYS[i], packed(units, times), math.ceil(window / 1000) + 1 }
    end
  else
    need = sum + wanted - limit
    if refused == 0 and ARGV[i * 4] == '1' then refused = i end
  end
  local free, freed = 0, 0
  for g = 1, #units do
    freed = freed + units[g]
    free = times[g] + window + 1 - now
    if freed >= need then break end
  end
  said[#said + 1] = fits and 1 or 0
  said[#said + 1] = math.max(0, limit - sum)
  said[#said + 1] = free
end
if refused == 0 then
  for _, write in ipairs(writes) do redis.call('SET', write[1], write[2], 'PX', write[3]) end
end
said[2] = refused
return said
`,
};

/**
 * Gives units back, those that would leave the window first: what stays counts at least as long as what was really let
 * through. KEYS: one. ARGV: the window in microseconds, the units, and the time at which they were taken; what has left the
 * window since then counts no more and is not given back.
 */
export const GIVE_BACK: Script = {
  sha1: "62d96e366233b113b8b01877fa1050c58a41b7de",
  text: `${READ}
local window, rest = tonumber(ARGV[1]), tonumber(ARGV[2])
if now - tonumber(ARGV[3]) > window then return 0 end
local units, times, sum = read(KEYS[1], window)
if sum == 0 then return 0 end
while rest > 0 and #units > 0 do
  local part = math.min(rest, units[1])
  units[1] = units[1] - part
  rest = rest - part
  if units[1] == 0 then
    table.remove(units, 1)
    table.remove(times, 1)
  end
end
if #units == 0 then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], packed(units, times), 'PX', math.ceil((times[#times] + window - now) / 1000) + 1)
end
return 1
`,
};

/** Forgets what is counted. KEYS: one. */
export const RESET: Script = {
  sha1: "18ba044b3a2665fe469765ce629c7e014686e9b2",
  text: `
return redis.call('DEL', KEYS[1])
`,
};
