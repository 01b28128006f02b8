// SPDX-License-Identifier: Apache-2.0
//
// SQLite on a simulated disk, for tests: a VFS whose files are those of a FileSystem, and that dies where a test says.
//
// As SQLite's own VFS for Unix does, a journal's first sync makes its name durable too, and a delete its absence. There
// is no shared memory: WAL needs PRAGMA locking_mode=EXCLUSIVE. One machine at a time.
#ifndef DETENT_SIM_WORLD_SQLITE_TEST_H_
#define DETENT_SIM_WORLD_SQLITE_TEST_H_

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/io/internal/file_system.h"
#include "detent/runtime/io/internal/open_options.h"
#include "detent/sim/world/stream_hash.h"

namespace detent::sim {

class SqliteMachine {
 public:
  // What a careless system leaves out.
  enum class Drops { kNothing, kSyncsOfDatabase, kSyncsOfJournal, kSyncsOfDirectory };

  explicit SqliteMachine(internal::FileSystem& files) : files_(files) {
    vfs_.iVersion = 1;
    vfs_.szOsFile = sizeof(OpenFile);
    vfs_.mxPathname = 200;
    vfs_.zName = "simulated";
    vfs_.pAppData = this;
    vfs_.xOpen = &Open;
    vfs_.xDelete = &Delete;
    vfs_.xAccess = &Access;
    vfs_.xFullPathname = &FullPathname;
    vfs_.xRandomness = &Randomness;
    vfs_.xSleep = [](sqlite3_vfs*, int microseconds) { return microseconds; };
    vfs_.xCurrentTime = &CurrentTime;
    vfs_.xGetLastError = [](sqlite3_vfs*, int, char*) { return 0; };
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~SqliteMachine() { sqlite3_vfs_unregister(&vfs_); }
  SqliteMachine(const SqliteMachine&) = delete;
  SqliteMachine& operator=(const SqliteMachine&) = delete;

  // After so many calls of the system nothing works any more.
  void FailAfter(uint64_t calls) { calls_left_ = calls; }
  void PowerOn() { calls_left_ = ~uint64_t{0}; }
  bool is_off() const { return calls_left_ == 0; }
  void Drop(Drops what) { drops_ = what; }
  uint64_t calls() const { return calls_; }

 private:
  class OpenFile {
   public:
    sqlite3_file base;  // First: SQLite knows no other.
    SqliteMachine* machine;
    std::shared_ptr<internal::DiskFile> file;
    bool is_journal;
    bool name_is_durable;
  };

  static SqliteMachine& Of(sqlite3_vfs* vfs) { return *static_cast<SqliteMachine*>(vfs->pAppData); }
  static OpenFile& Of(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }

  // Whether a call may happen.
  bool Call() {
    if (calls_left_ == 0) return false;
    ++calls_;
    return --calls_left_ > 0;
  }
  void SyncName() {
    if (drops_ != Drops::kSyncsOfDirectory) (void)files_.SyncDirectory("/");
  }

  static int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) {
    SqliteMachine& machine = Of(vfs);
    auto* const opened = new (file) OpenFile{};
    if (!machine.Call()) return SQLITE_CANTOPEN;
    FileInfo info;
    const std::string path = name == nullptr ? "/temporary" + std::to_string(machine.calls_) : name;
    const bool is_new = !machine.files_.Stat(path).ok();
    auto result = machine.files_.Open(path, {.read = true, .write = true, .create = (flags & SQLITE_OPEN_CREATE) != 0});
    if (!result.ok()) return SQLITE_CANTOPEN;
    opened->machine = &machine;
    opened->file = std::move(result.value());
    opened->is_journal = (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)) != 0;
    opened->name_is_durable = !is_new || !opened->is_journal;
    opened->base.pMethods = &Methods();
    if (flags_out != nullptr) *flags_out = flags;
    return SQLITE_OK;
  }
  static int Delete(sqlite3_vfs* vfs, const char* name, int sync_directory) {
    SqliteMachine& machine = Of(vfs);
    if (!machine.Call()) return SQLITE_IOERR_DELETE;
    if (machine.files_.Remove(name) != 0) return SQLITE_IOERR_DELETE_NOENT;
    if (sync_directory == 0) return SQLITE_OK;
    if (!machine.Call()) return SQLITE_IOERR_DIR_FSYNC;
    machine.SyncName();
    return SQLITE_OK;
  }
  static int Access(sqlite3_vfs* vfs, const char* name, int, int* result) {
    if (!Of(vfs).Call()) return SQLITE_IOERR_ACCESS;
    *result = Of(vfs).files_.Stat(name).ok() ? 1 : 0;
    return SQLITE_OK;
  }
  static int FullPathname(sqlite3_vfs*, const char* name, int size, char* full) {
    sqlite3_snprintf(size, full, "%s", name);
    return SQLITE_OK;
  }
  static int Randomness(sqlite3_vfs* vfs, int size, char* bytes) {
    for (int i = 0; i < size; ++i) bytes[i] = static_cast<char>(HashOf(Of(vfs).calls_, static_cast<uint64_t>(i)) >> 8);
    return size;
  }
  static int CurrentTime(sqlite3_vfs*, double* days) {
    *days = 2451544.5;
    return SQLITE_OK;
  }

  static int Close(sqlite3_file* file) {
    Of(file).~OpenFile();
    return SQLITE_OK;
  }
  static int Read(sqlite3_file* file, void* buffer, int size, sqlite3_int64 offset) {
    OpenFile& opened = Of(file);
    if (!opened.machine->Call()) return SQLITE_IOERR_READ;
    auto* const bytes = static_cast<char*>(buffer);
    const auto wanted = static_cast<size_t>(size);
    for (size_t at = 0; at < wanted;) {
      auto part = opened.file->ReadAt(static_cast<uint64_t>(offset) + at, bytes + at, wanted - at);
      if (!part.ok()) return SQLITE_IOERR_READ;
      if (part.value() == 0) {
        std::memset(bytes + at, 0, wanted - at);
        return SQLITE_IOERR_SHORT_READ;
      }
      at += part.value();
    }
    return SQLITE_OK;
  }
  static int Write(sqlite3_file* file, const void* buffer, int size, sqlite3_int64 offset) {
    OpenFile& opened = Of(file);
    const auto* const bytes = static_cast<const char*>(buffer);
    const auto wanted = static_cast<size_t>(size);
    for (size_t at = 0; at < wanted;) {
      if (!opened.machine->Call()) return SQLITE_IOERR_WRITE;
      auto part = opened.file->WriteAt(static_cast<uint64_t>(offset) + at, bytes + at, wanted - at);
      if (!part.ok()) return SQLITE_IOERR_WRITE;
      at += part.value();
    }
    return SQLITE_OK;
  }
  static int Truncate(sqlite3_file* file, sqlite3_int64 size) {
    OpenFile& opened = Of(file);
    if (!opened.machine->Call()) return SQLITE_IOERR_TRUNCATE;
    return opened.file->Truncate(static_cast<uint64_t>(size)) == 0 ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
  }
  static int Sync(sqlite3_file* file, int) {
    OpenFile& opened = Of(file);
    if (!opened.machine->Call()) return SQLITE_IOERR_FSYNC;
    const Drops dropped = opened.is_journal ? Drops::kSyncsOfJournal : Drops::kSyncsOfDatabase;
    if (opened.machine->drops_ != dropped && opened.file->Sync() != 0) return SQLITE_IOERR_FSYNC;
    if (std::exchange(opened.name_is_durable, true)) return SQLITE_OK;
    if (!opened.machine->Call()) return SQLITE_IOERR_DIR_FSYNC;
    opened.machine->SyncName();
    return SQLITE_OK;
  }
  static int FileSize(sqlite3_file* file, sqlite3_int64* size) {
    auto info = Of(file).file->Stat();
    if (!Of(file).machine->Call() || !info.ok()) return SQLITE_IOERR_FSTAT;
    *size = info.value().size;
    return SQLITE_OK;
  }
  static const sqlite3_io_methods& Methods() {
    static const sqlite3_io_methods methods = [] {
      sqlite3_io_methods made = {};
      made.iVersion = 1;
      made.xClose = &Close;
      made.xRead = &Read;
      made.xWrite = &Write;
      made.xTruncate = &Truncate;
      made.xSync = &Sync;
      made.xFileSize = &FileSize;
      made.xLock = [](sqlite3_file*, int) { return SQLITE_OK; };
      made.xUnlock = [](sqlite3_file*, int) { return SQLITE_OK; };
      made.xCheckReservedLock = [](sqlite3_file*, int* result) {
        *result = 0;
        return SQLITE_OK;
      };
      made.xFileControl = [](sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; };
      made.xSectorSize = [](sqlite3_file*) { return 512; };
      made.xDeviceCharacteristics = [](sqlite3_file*) { return 0; };
      return made;
    }();
    return methods;
  }

  internal::FileSystem& files_;
  sqlite3_vfs vfs_ = {};
  uint64_t calls_left_ = ~uint64_t{0};
  uint64_t calls_ = 0;
  Drops drops_ = Drops::kNothing;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_SQLITE_TEST_H_
