{
  description = "Anthill emulates full-scale peer-to-peer networks on one machine, deterministically";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      forEach = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
      source = ../.;
      manifest = nixpkgs.lib.importTOML (source + "/Cargo.toml");
    in
    {
      packages = forEach (pkgs: {
        default = pkgs.rustPlatform.buildRustPackage {
          pname = "anthill";
          version = manifest.workspace.package.version;
          src = source;
          cargoLock.lockFile = source + "/Cargo.lock";
          cargoBuildFlags = [ "--package" "anthill" ];
          buildType = "dist";
          # scripts/test takes an hour; it is not run for every user.
          doCheck = false;
          meta.mainProgram = "anthill";
        };
      });

      devShells = forEach (pkgs: {
        default = pkgs.mkShell {
          packages = with pkgs; [ cargo clippy rustc rustfmt python3 ];
        };
      });
    };
}
