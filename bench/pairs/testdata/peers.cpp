// Peers of package count in C++, as fast as we could make them:
//
//   partition   counts the pairs of one distance: one pass that partitions them
//               by hash into buckets, then a hash table per bucket that stays in
//               the cache, then the histogram of the counts
//   limit       counts nothing: two radix passes of 8 bits over 8-byte keys that
//               are ready made, which is what moving the pairs costs
//
//   peers THREADS TOKENS.u32 partition|limit DISTANCE...     (little-endian uint32)
//
// prints: method, distance, tokens, seconds, processor seconds, distinct pairs,
// sum of their squared counts (both 0 for limit). Memory is there, and touched,
// before the clock starts.
#include <sys/mman.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#ifdef __x86_64__
#include <immintrin.h>
#endif

using u32 = uint32_t;
using u64 = uint64_t;

static unsigned threads;

// parallel calls f(t) for every thread t.
template <class F> static void parallel(F f) {
  std::vector<std::thread> pool;
  for (unsigned t = 1; t < threads; t++) pool.emplace_back(f, t);
  f(0u);
  for (auto& t : pool) t.join();
}

[[noreturn]] static void fail(const std::string& why) {
  fprintf(stderr, "peers: %s\n", why.c_str());
  exit(1);
}

// room returns memory for n numbers, in huge pages where there are some.
template <class T> static T* room(u64 n) {
  constexpr u64 huge = 2 << 20;
  u64 bytes = (n * sizeof(T) / huge + 1) * huge;
  void* p = aligned_alloc(huge, bytes);
  if (!p) fail("out of memory");
#ifdef MADV_HUGEPAGE
  madvise(p, bytes, MADV_HUGEPAGE);
#endif
  return static_cast<T*>(memset(p, 0, bytes));
}

// A line of the cache, in which keys wait until it is full.
template <class K> struct alignas(64) Line {
  static constexpr u32 size = 64 / sizeof(K);
  K keys[size];

  // store writes the whole line past the cache: what is written here is not
  // read again before everything is written.
  void store(K* to) const {
#if defined(__AVX512F__)
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to), _mm512_load_si512(keys));
#elif defined(__x86_64__)
    for (int i = 0; i < 4; i++)
      _mm_stream_si128(reinterpret_cast<__m128i*>(to) + i, _mm_load_si128(reinterpret_cast<const __m128i*>(keys) + i));
#else
    memcpy(to, keys, sizeof keys);
#endif
  }
};

// Keys are hashed this many at a time, in a loop that the compiler turns into
// vector instructions, which the loops that follow cannot be.
constexpr u32 batch = 256;

// scatter writes the keys of 0 ≤ i < n to out, bucket by bucket, in order within
// each, and returns where the buckets begin. key(i) is the key, bucket(i) < buckets
// its bucket.
template <class K, class Bucket, class Key>
static std::vector<u32> scatter(u64 n, u32 buckets, K* out, Bucket bucket, Key key) {
  std::vector<std::vector<u32>> next(threads, std::vector<u32>(buckets));
  auto batches = [&](unsigned t, auto f) {
    for (u64 i = n * t / threads, end = n * (t + 1) / threads; i < end; i += batch)
      f(i, u32(std::min<u64>(batch, end - i)));
  };
  parallel([&](unsigned t) {
    u32* counts = next[t].data();
    batches(t, [&](u64 i, u32 m) {
      u32 to[batch];
      for (u32 j = 0; j < m; j++) to[j] = bucket(i + j);
      for (u32 j = 0; j < m; j++) counts[to[j]]++;
    });
  });
  std::vector<u32> starts(buckets + 1);
  u32 at = 0;
  for (u32 b = 0; b < buckets; b++) {
    starts[b] = at;
    for (auto& counts : next) at += std::exchange(counts[b], at);
  }
  starts[buckets] = at;
  parallel([&](unsigned t) {
    constexpr u32 size = Line<K>::size;
    std::vector<Line<K>> lines(buckets);
    std::vector<u32> first = next[t];
    u32* place = next[t].data();
    batches(t, [&](u64 i, u32 m) {
      u32 to[batch];
      K keys[batch];
      for (u32 j = 0; j < m; j++) to[j] = bucket(i + j), keys[j] = key(i + j);
      for (u32 j = 0; j < m; j++) {
        u32 b = to[j], p = place[b]++;
        lines[b].keys[p % size] = keys[j];
        if (p % size < size - 1) continue;
        if (u32 begin = p - (size - 1); begin >= first[b])
          lines[b].store(out + begin);
        else  // the first line is shared with the bucket before
          for (u32 q = first[b]; q <= p; q++) out[q] = lines[b].keys[q % size];
      }
    });
    for (u32 b = 0; b < buckets; b++)
      for (u32 q = std::max(first[b], place[b] / size * size); q < place[b]; q++) out[q] = lines[b].keys[q % size];
#ifdef __x86_64__
    _mm_sfence();
#endif
  });
  return starts;
}

// Histogram of counts. Small counts have four tables in turns, so that one
// increment need not wait for the last.
struct Histogram {
  static constexpr u32 ways = 4, small = 256;
  u64 few[ways][small] = {};
  std::map<u32, u64> many;

  u64 moment(int power) const {
    u64 sum = 0;
    auto add = [&](u64 count, u64 types) { sum += types * (power > 0 ? count : 1) * (power > 1 ? count : 1); };
    for (auto& table : few)
      for (u32 c = 1; c < small; c++) add(c, table[c]);
    for (auto [c, types] : many) add(c, types);
    return sum;
  }
};

// Table counts numbers of 32 bits: open addressing, linear probing, at most one
// slot in three taken. A slot is number << 32 | count; 0 is free.
struct Table {
  u32 bits = 8;
  std::vector<u64> slots = std::vector<u64>(u64(1) << bits);

  u32 place(u32 number) const { return number * 0x9E3779B1u >> (32 - bits); }

  void count(const u32* numbers, u32 n) {
    u32 taken = 0;
    for (u32 i = 0; i < n; i++) {
      u64 zero = u64(numbers[i]) << 32;
      u32 mask = (1u << bits) - 1;
      for (u32 p = place(numbers[i]);; p = (p + 1) & mask) {
        u64 slot = slots[p];
        // Whether a pair is new cannot be foretold, so there is no branch for it.
        u32 isFree = slot == 0, fits = isFree | u32((slot ^ zero) >> 32 == 0);
        asm("" : "+r"(fits));  // GCC would make two branches of it
        if (__builtin_expect(fits, 1)) {
          slots[p] = std::max(slot, zero) + 1;
          taken += isFree;
          break;
        }
      }
      if (__builtin_expect(taken > mask / 3, 0)) grow();
    }
  }

  void grow() {
    bits++;
    std::vector<u64> old(u64(1) << bits);
    old.swap(slots);
    for (u64 slot : old) {
      if (slot == 0) continue;
      u32 p = place(slot >> 32);
      while (slots[p]) p = (p + 1) & ((1u << bits) - 1);
      slots[p] = slot;
    }
  }

  // drain adds the counts to a histogram and empties the table.
  void drain(Histogram& h) {
    for (u64 p = 0; p < slots.size(); p += h.ways) {
      for (u32 way = 0; way < h.ways; way++) {
        u32 c = u32(slots[p + way]);
        slots[p + way] = 0;
        if (__builtin_expect(c < h.small, 1))
          h.few[way][c]++;
        else
          h.many[c]++;
      }
    }
  }
};

// partition returns the histograms of the counts of the pairs (w[i], w[i+d]).
// A pair is multiplied by an odd number modulo the power of two that it is
// below, which loses nothing: the upper bits say the bucket, and within it the
// others are the whole key, of 4 bytes.
static std::vector<Histogram> partition(const u32* w, u64 pairs, u64 d, u32 bits, u32* out) {
  constexpr u32 bucketBits = 10;
  const u32 rest = 2 * bits - bucketBits;
  const u64 mask = (u64(1) << 2 * bits) - 1;
  auto hash = [=](u64 i) { return (u64(w[i]) << bits | w[i + d]) * 0x9E3779B97F4A7C15u & mask; };
  auto starts = scatter<u32>(
      pairs, 1 << bucketBits, out, [=](u64 i) { return u32(hash(i) >> rest); },
      [=](u64 i) { return u32(hash(i) & ((u64(1) << rest) - 1)); });
  std::vector<Histogram> histograms(threads);
  std::atomic<u32> next{0};
  parallel([&](unsigned t) {
    Table table;
    for (u32 b; (b = next++) < 1 << bucketBits;) {
      table.count(out + starts[b], starts[b + 1] - starts[b]);
      table.drain(histograms[t]);
    }
  });
  return histograms;
}

static double seconds(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

int main(int argc, char** argv) {
  if (argc < 5) fail("usage: peers THREADS TOKENS.u32 partition|limit DISTANCE...");
  threads = std::max(1, atoi(argv[1]));
  FILE* f = fopen(argv[2], "rb");
  if (!f || fseek(f, 0, SEEK_END)) fail(std::string("cannot read ") + argv[2]);
  const u64 n = ftell(f) / sizeof(u32);
  rewind(f);
  u32* w = room<u32>(n);
  if (fread(w, sizeof(u32), n, f) != n) fail(std::string("cannot read ") + argv[2]);
  u32 bits = 8;
  for (u64 i = 0; i < n; i++)
    while (w[i] >> bits) bits++;
  if (bits > 21 || n >> 32) fail("more than 2^21 different tokens, or 2^32 tokens in all");
  const std::string method = argv[3];
  const bool limit = method == "limit";
  u64* keys = limit ? room<u64>(n) : nullptr;
  u64* sorted = room<u64>(n);  // holds partition's keys, of half the size, as well
  for (int a = 4; a < argc; a++) {
    const u64 d = atoll(argv[a]), pairs = n > d ? n - d : 0;
    if (limit)
      for (u64 i = 0; i < pairs; i++) keys[i] = u64(w[i]) << 32 | w[i + d];
    const double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    u64 total = 0, distinct = 0, squares = 0;
    if (limit) {
      for (int shift : {0, 8}) {
        scatter<u64>(
            pairs, 256, sorted, [=](u64 i) { return u32(keys[i] >> shift & 255); }, [=](u64 i) { return keys[i]; });
        std::swap(keys, sorted);
      }
    } else {
      for (auto& h : partition(w, pairs, d, bits, reinterpret_cast<u32*>(sorted)))
        total += h.moment(1), distinct += h.moment(0), squares += h.moment(2);
      if (total != pairs) fail("partition lost pairs");
    }
    printf("cpp-%s %llu %llu %.6f %.6f %llu %llu\n", method.c_str(), (unsigned long long)d, (unsigned long long)n,
           seconds(CLOCK_MONOTONIC) - wall, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, (unsigned long long)distinct,
           (unsigned long long)squares);
  }
}
