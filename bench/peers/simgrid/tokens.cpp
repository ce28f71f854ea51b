// Tokens on SimGrid: a host and an actor a node, a mailbox each. A message takes 1 ms of latency, and as long
// again as its size asks of a link that is shared by nobody: sizes are drawn so that it is 0 to 2 ms.
//
// Asked for and printed as every peer's: NODES UNTIL_MS; one JSON object (see measure/src/lib.rs).

#include <cstdio>
#include <chrono>
#include <ctime>
#include <fstream>
#include <random>
#include <simgrid/s4u.hpp>
#include <string>
#include <unistd.h>
#include <vector>

namespace sg4 = simgrid::s4u;

namespace {

constexpr double kLatency_s = 1e-3;
constexpr double kSpread_s = 2e-3;
constexpr double kBandwidth = 1e9; // bytes a second

std::mt19937_64 random_bits{1};
std::vector<sg4::Mailbox*> mailboxes;
unsigned long long events = 0;
char token;

void send(std::size_t from)
{
  std::size_t to = std::uniform_int_distribution<std::size_t>{0, mailboxes.size() - 2}(random_bits);
  to += to >= from;
  const double bytes = std::uniform_real_distribution<double>{0, kSpread_s}(random_bits) * kBandwidth;
  mailboxes[to]->put_init(&token, static_cast<std::uint64_t>(bytes) + 1)->detach();
}

void node(std::size_t self)
{
  send(self);
  for (;;) {
    mailboxes[self]->get<char>();
    ++events;
    send(self);
  }
}

unsigned long long peak_bytes()
{
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0)
      return std::stoull(line.substr(6)) * 1024;
  return 0;
}

} // namespace

int main(int argc, char** argv)
{
  if (argc != 3) {
    std::fputs("usage: peer NODES UNTIL_MS\n", stderr);
    return 2;
  }
  const std::size_t nodes = std::stoull(argv[1]);
  const double until_s    = std::stod(argv[2]) / 1e3;

  // The plain model: what a message takes is its latency and its size over the bandwidth, no more.
  std::string name = "tokens";
  std::vector<std::string> flags = {name, "--cfg=network/model:CM02", "--cfg=network/crosstraffic:0",
                                    "--cfg=network/TCP-gamma:0", "--cfg=contexts/stack-size:16",
                                    "--log=root.thresh:error"};
  std::vector<char*> raw;
  for (auto& flag : flags)
    raw.push_back(flag.data());
  int count = static_cast<int>(raw.size());
  raw.push_back(nullptr);
  sg4::Engine engine{&count, raw.data()};

  auto* zone = sg4::create_star_zone("network");
  for (std::size_t i = 0; i < nodes; ++i) {
    const std::string id = std::to_string(i);
    auto* host = zone->create_host("host-" + id, 1e9)->seal();
    const auto* link = zone->create_link("link-" + id, kBandwidth)
                           ->set_latency(kLatency_s)
                           ->set_sharing_policy(sg4::Link::SharingPolicy::FATPIPE)
                           ->seal();
    // Out by a link of its own, in by none.
    zone->add_route(host->get_netpoint(), nullptr, nullptr, nullptr, {sg4::LinkInRoute(link)}, false);
    zone->add_route(nullptr, host->get_netpoint(), nullptr, nullptr, std::vector<sg4::LinkInRoute>{}, false);
    mailboxes.push_back(sg4::Mailbox::by_name(id));
    // A message travels from when it is sent, not from when its receiver asks for one.
    mailboxes.back()->set_receiver(sg4::Actor::create("node-" + id, host, node, i));
  }
  zone->seal();

  const auto wall = std::chrono::steady_clock::now();
  const auto cpu  = std::clock();
  engine.run_until(until_s);
  const double wall_ns = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - wall).count();
  const double cpu_ns  = 1e9 * static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC;
  std::printf("{\"events\": %llu, \"wall_ns\": %.2f, \"cpu_ns\": %.2f, \"peak_bytes\": %llu}\n", events,
              wall_ns / events, cpu_ns / events, peak_bytes());
  std::fflush(stdout);
  _exit(0); // The actors never end.
}
