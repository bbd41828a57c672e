#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ganvas/imaging/format_name.hpp"
#include "ganvas/imaging/options.hpp"
#include "ganvas/metadata/options.hpp"
#include "ganvas/nn/options.hpp"

/// What callers may choose in this module, free of LibTorch and OpenCV: a command line binds these fields before either
/// is loaded.
namespace ganvas {

/// On what and how a network runs.
struct RunOptions {
  std::string device = "auto";     ///< auto, cpu, cuda:N
  std::string precision = "auto";  ///< auto, fp32, bf16, int8
  std::string engine = "auto";     ///< auto: the compiled CPU engine where it can; libtorch: never
  int threads = 0;                 ///< CPU threads; 0: all
};

/// How the alpha plane is enlarged.
enum class AlphaMode { model, bicubic };

struct UpscaleOptions {
  RunOptions run{};
  int tile = 0;      ///< side of a tile in input pixels; 0: chosen by the picture and the machine
  int overlap = -1;  ///< context around a tile; -1: the network's receptive field, at most 32
  bool tta = false;  ///< mean over the eight flips and turns: eight times the work, a little better
  AlphaMode alpha = AlphaMode::model;
  ColourFix colour_fix = ColourFix::none;
};

/// What size a result shall have; nothing given: the network's own scale. See resolve().
struct TargetSize {
  std::optional<double> scale{};         ///< any positive number
  std::optional<int> width{}, height{};  ///< exact; one alone keeps the aspect ratio
  std::optional<int> max_side{};         ///< exact longer side
};

struct TranslateOptions {
  RunOptions run{};
  int tile = 0;  ///< side of a tile in pixels; 0: whole pictures while they fit, else chosen
  /// Dropout and batch statistics as in training, which is how pix2pix is published; pictures then are translated as a
  /// whole.
  bool train_mode = false;
  std::uint64_t seed = 0;  ///< of dropout; every picture starts from it, whatever came before
  /// For networks that are told the result's colours: one of the model's own palettes by its number, those of a
  /// picture, or, empty, one that follows from the content, so that a folder's results differ and each stays the same.
  std::string palette{};
};

/// A way between pictures from noise: straight between styles (linear), on the sphere between the noise (slerp,
/// Shoemake 1985), or through all of them without a corner (cubic, Catmull and Rom 1974). automatic: linear where the
/// network has styles, else slerp.
enum class WalkPath { automatic, slerp, linear, cubic };

/// One after another as files, or all as one stream of frames (y4m.hpp).
enum class FrameFormat { png, y4m, raw };

/// Which layers take their styles from where; empty lists: nothing is mixed.
struct StyleMix {
  std::vector<std::int64_t> rows{}, columns{};  ///< seeds, of the first column and of the first row of the sheet
  std::vector<int> layers{};                    ///< those that the columns' pictures give, from 0
};

/// What of a picture's colours stays when it gets a style.
enum class KeepColour {
  none,
  luma,  ///< the result's luma with the picture's own colour differences
  match  ///< the style's picture is given the picture's colours before (CORAL)
};

/// Whose statistics a frame of a film is given.
enum class Steady {
  no,      ///< its own
  smooth,  ///< a running mean over the frames before, which begins again at a cut
  first    ///< the first frame's
};

struct StylizeOptions {
  RunOptions run{};
  int tile = 0;         ///< side of a tile in pixels; 0: chosen
  double strength = 1;  ///< 0 (the picture itself) to 1
  KeepColour keep_colour = KeepColour::none;
  int style_size = 512;  ///< longer side to which styles' pictures are shrunk; 0: as they are
  int work_size = 1536;  ///< longer side at which the network sees larger pictures; 0: as they are
  Steady steady = Steady::no;
};

/// Which pictures from noise, and where to.
struct GenerateOptions {
  RunOptions run{};
  std::vector<std::int64_t> seeds{};  ///< one picture a seed, from 0 up
  std::string latents{};              ///< a file of latents (noise_latents.hpp) in place of seeds
  std::string save_latents{};         ///< such a file to write; empty: none
  std::string output{};               ///< folder; with a grid a folder or a file; "-": standard output
  FrameFormat format = FrameFormat::png;
  std::string rate = "25";               ///< frames a second that a y4m stream says, whole or a fraction "30000:1001"
  std::string class_name{};              ///< empty: by turns, seed modulo the number of classes
  std::vector<double> truncations{1.0};  ///< each seed with each of them
  int grid_columns = 0, grid_rows = 0;   ///< one picture of so many; 0: a file each
  int frames = 0;                        ///< a walk from seed to seed in so many pictures; 0: none
  bool loop = false;                     ///< the walk ends where it began
  WalkPath path = WalkPath::automatic;
  StyleMix mix{};
  int directions = 0;                   ///< a sheet of the first so many directions of the styles (SeFa); 0: none
  std::vector<int> direction_layers{};  ///< those that are moved, from 0; empty: all
  double reach = 3.0;                   ///< how far to either side, in lengths of a direction
  LayerNoise layer_noise = LayerNoise::constant;
  bool numpy_seeds = false;  ///< noise as numpy.random.RandomState(seed) gives it, as in published code
  EncodeOptions encode{};    ///< of PNG
  bool skip_existing = false, force = false, strip_metadata = false;
  bool dry_run = false, json = false, quiet = false;
};

/// Finding the styles that make a given picture (Karras et al. 2020, appendix D).
struct ProjectOptions {
  std::vector<std::string> pictures{};
  bool each_layer = false;  ///< a style of its own for each layer (w+), else one for all (w)
  int steps = 1000;
  double rate = 0.1;              ///< of Adam, rising over the first 5 % and falling over the last 25 %
  double lpips = 1.0, mse = 1.0;  ///< weights of the two distances
  double noise = 1e5;             ///< weight of what keeps the noise planes noise
  std::uint64_t seed = 123;
};

/// What every command that turns pictures into pictures has in common: where from, where to, in which format.
struct BatchOptions {
  std::vector<std::string> inputs{};   ///< files, folders, glob patterns, "-" for standard input
  std::string output{};                ///< folder, file (for one input) or "-" for standard output
  bool recursive = false;              ///< folders in depth; the tree is mirrored
  std::vector<std::string> include{};  ///< glob patterns on the path below the folder, or on the name; any of them
  std::vector<std::string> exclude{};
  bool skip_existing = false;                        ///< leave outputs that are whole and of the right size
  bool force = false;                                ///< replace outputs that exist
  std::string name = "{stem}";                       ///< pattern of the output's name, see plan_batch()
  std::map<std::string, std::string> name_fields{};  ///< further fields of the pattern: model, scale
  std::optional<Format> format{};                    ///< default: the input's
  bool film = false;  ///< to "-": frames of one uncompressed film (y4m.hpp); by itself where the input is one
  EncodeOptions encode{};
  Strip strip = Strip::nothing;                  ///< what of the input's metadata is left out
  double dpi = 0;                                ///< the result's resolution in pixels per inch; 0: the input's
  bool keep_times = false;                       ///< outputs get their inputs' times of modification
  std::uint64_t max_pixels = UINT64_C(1) << 28;  ///< of an input; larger ones are refused unread
  int shard_index = 1, shard_count = 1;  ///< this run does every shard_count-th file, beginning with the index-th
  int limit = 0;                         ///< only the first so many files, finished or not; 0: all
  bool dry_run = false, json = false, stop_on_error = false, quiet = false;
  bool print0 = false;  ///< paths of results end with a zero byte instead of a line
  bool watch = false;   ///< go on with what comes into the folders, until somebody interrupts
};

}  // namespace ganvas
