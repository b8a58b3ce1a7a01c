# The commands of the README; each installs what it needs first. CMakePresets.json holds the builds themselves.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
JOBS := $(shell nproc 2>/dev/null || echo 2)
CTEST := ctest --output-on-failure --no-tests=error --parallel $(JOBS)
SOURCES = find sim hwmodels kernels calibration validation tests benchmarks -name '*.h' -o -name '*.cpp' -o -name '*.cu'

.PHONY: help demo build test test-slow test-debug test-asan test-tsan test-clang
.PHONY: bench bench-dependencies tidy format clean
.PHONY: dependencies dependencies-report dependencies-clang

help: ## Print these targets
	@sed -n 's/^\([a-z-]*\):.* ## \(.*\)/\1\t\2/p' Makefile | expand -t 14

demo: build dependencies-report ## Run the main comparison, ScoutAttention and its baselines, and draw its figures
	@build/release/outrider run scenarios/paper/scoutattention.yaml
	@build/release/outrider report results/scoutattention || echo "No figures were drawn." >&2

build: dependencies build/release/build.ninja ## Build the program: build/release/outrider
	@cmake --build --preset release --target outrider

test: dependencies build/release/build.ninja ## Build and run all tests but the slow ones
	@cmake --build --preset release
	@$(CTEST) --test-dir build/release --label-exclude slow

test-slow: dependencies build/release/build.ninja ## Build and run the slow tests
	@cmake --build --preset release
	@$(CTEST) --test-dir build/release --label-regex slow

test-debug: PRESET = dev
test-debug: dependencies build/dev/build.ninja ## Test a debug build
	@$(test-preset)

test-asan: PRESET = asan-ubsan
test-asan: dependencies build/asan-ubsan/build.ninja ## Test with the address and undefined-behaviour sanitizers
	@$(test-preset)

test-tsan: PRESET = tsan
test-tsan: dependencies build/tsan/build.ninja ## Test with the thread sanitizer
	@$(test-preset)

test-clang: PRESET = clang
test-clang: dependencies dependencies-clang build/clang/build.ninja ## Test a build by Clang
	@$(test-preset)

define test-preset
cmake --build --preset $(PRESET) && $(CTEST) --test-dir build/$(PRESET) --label-exclude slow
endef

bench: dependencies bench-dependencies build/bench/build.ninja ## Build and run the benchmarks
	@cmake --build --preset bench
	@set -e; for program in build/bench/benchmarks/*_bench; do echo "$$program"; $$program; done

bench-dependencies: ## Install what the benchmarks need
	@scripts/install-dependencies bench

tidy: dependencies dependencies-clang ## Run clang-tidy over the program
	@cmake --preset clang -B build/tidy -DOUTRIDER_TESTS=OFF >/dev/null
	@run-clang-tidy -quiet -j $(JOBS) -p build/tidy '/(sim|hwmodels|kernels)/.*\.cpp$$'

format: dependencies-clang ## Format all C++ files
	@$(SOURCES) | xargs clang-format -i

clean: ## Remove all builds
	@rm -rf build

dependencies:
	@scripts/install-dependencies build

dependencies-report:
	@scripts/install-dependencies report

dependencies-clang:
	@scripts/install-dependencies clang

build/%/build.ninja: | dependencies
	@cmake --preset $*
