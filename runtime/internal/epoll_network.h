#pragma once
#include <memory>
namespace detent { class EpollLoop; namespace internal {
class Network { public: virtual ~Network() = default; };
std::unique_ptr<Network> MakeEpollNetwork(EpollLoop& loop);
} }
