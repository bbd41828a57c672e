#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace ganvas {

/// Thrown into work whose claim others have taken over, since its process seemed dead (it was suspended, or its file
/// system away): it ends without a result.
struct ClaimLost {};

/// The right to work on something, alone among all processes that share a folder. While it lives, a thread shows every
/// now and then that the process does.
class Claim {
 public:
  /// Gives the work back: others may go on with it at once.
  ~Claim();
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

  /// Throws ClaimLost if others have taken the work over, as the last sign of life saw it.
  void check() const {
    if (lost_) throw ClaimLost();
  }
  /// Looks now, and then the same.
  void check_now();
  /// How many processes before this one died over the work, one after another, without getting further than it is now.
  int deaths() const { return deaths_; }

 private:
  friend class ClaimBoard;
  Claim(std::filesystem::path file, std::filesystem::path successor, double stale, int deaths);
  void beat();
  bool superseded() const;

  std::filesystem::path file_, successor_;
  int deaths_;
  std::atomic<bool> lost_{false};
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::thread heart_;
};

/// Claims of processes on the same machine or on others that share a folder. A claim is a file that O_EXCL created, so
/// that one of those who try gets it; its time of modification is the last sign of life. Nothing is ever deleted or
/// replaced, and so nobody can take away a claim that he believes to be another: who takes over `x.3` creates `x.4`,
/// which again only one can do, and who gives back his claim sets its time to 1970. Times are those of the file system,
/// whose clock is the same for all. The dead are known at once on their own machine (there is no such process), after
/// the time that they stated elsewhere.
class ClaimBoard {
 public:
  /// `stale`: seconds without a sign of life after which others may take over what this process holds. Makes the
  /// folder. Throws Error(file).
  ClaimBoard(std::filesystem::path folder, double stale);

  /// The right to work on `name`, or nothing when somebody alive has it. `rung` and `stamp` are noted: how far it shall
  /// get, and any text that changes whenever it gets further.
  std::unique_ptr<Claim> take(const std::string& name, int rung, const std::string& stamp);
  /// The rung that was noted last for each name, by whomever.
  std::map<std::string, int> rungs();

 private:
  struct Note {
    std::string host, process, stamp;  ///< host: machine and its process table; process: number and start
    long pid = 0;
    double stale = 0;
    int rung = -1;
    bool readable = false;
  };
  enum class State { held, free, dead };
  std::map<std::string, int> generations() const;
  std::filesystem::path file(const std::string& name, int generation) const;
  Note note(const std::filesystem::path& file);
  State state(const std::filesystem::path& file, double now);
  double now() const;
  static Note self();

  std::filesystem::path folder_;
  double stale_;
  std::map<std::string, Note> notes_;  ///< by file's name; a whole note never changes
};

}  // namespace ganvas
