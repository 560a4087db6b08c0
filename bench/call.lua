-- Sends one prepared request again and again, checks every answer, and prints one line of JSON at the end.
-- Arguments: a file with the headers (one `name: value` a line), a file with the body, the least length of an answer.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  wrk.method = "POST"
  for line in io.lines(args[1]) do
    local name, value = line:match("^([^:]+): (.*)$")
    wrk.headers[name] = value
  end
  local file = io.open(args[2], "rb")
  wrk.body = file:read("*a")
  file:close()
  least = tonumber(args[3])
  bad = 0
  seen = 0
  prepared = wrk.format()
end

function request()
  return prepared
end

-- The member stands before or behind the content. To look through all of a long body would measure this script.
local function fails(body)
  return body:sub(-300):find('"isError":true', 1, true) or body:sub(1, 300):find('"isError":true', 1, true)
end

function response(status, headers, body)
  seen = seen + 1
  if status ~= 200 or #body < least or not body:find('"result"', 1, true) or fails(body) then
    bad = bad + 1
    if sample == nil then sample = status .. " " .. body:sub(1, 300) end
  end
end

local function quote(text)
  return '"' .. text:gsub('[%c"\\]', function(c) return string.format("\\u%04x", c:byte()) end) .. '"'
end

function done(summary, latency)
  local bad, seen, sample = 0, 0, ""
  for _, thread in ipairs(threads) do
    bad = bad + thread:get("bad")
    seen = seen + thread:get("seen")
    sample = thread:get("sample") or sample
  end
  local e = summary.errors
  io.write(string.format(
    '{"calls":%d,"microseconds":%d,"bytes":%d,"bad":%d,"broken":%d,"p50":%d,"p99":%d,"sample":%s}\n',
    seen, summary.duration, summary.bytes, bad, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(99), quote(sample)))
end
