-- Walks over prepared bodies: wrk -s wrk.lua URL -- BODIES PATH [NAME VALUE ...]
-- BODIES holds each body after a line with its length. What was measured is printed as JSON.
local requests, position = {}, 0

function init(arguments)
  local headers = {}
  for index = 3, #arguments, 2 do headers[arguments[index]] = arguments[index + 1] end
  local file = assert(io.open(arguments[1], "rb"))
  for length in function() return file:read("*l") end do
    requests[#requests + 1] = wrk.format("POST", arguments[2], headers, file:read(tonumber(length)))
  end
  file:close()
end

function request()
  position = position % #requests + 1
  return requests[position]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('\n{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "failed": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
