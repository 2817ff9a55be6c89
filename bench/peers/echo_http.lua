-- echo_http PORT: each message goes back to its sender, by lua-http.
package.path = (arg[0]:match "^(.*)/" or ".") .. "/?.lua;" .. package.path

require "http_host" (function(socket)
  for data, kind in socket:each() do
    if not socket:send(data, kind) then return end
  end
end)
