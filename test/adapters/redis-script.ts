/** Runs for that many milliseconds, in which Redis answers nobody; or for some seconds, where time stands still for a script. */
export const script = `local function now() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 end
local untilMs = now() + ARGV[1]
for _ = 1, 5000000 do if now() > untilMs then return end end`;
