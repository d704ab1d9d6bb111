//! mock and containers: programs of these names that build with this machine's rpmbuild what they are told.

use crate::tool::{self, Data, Tool, rpm};

/// A program in a folder of its own, before everything else in the search path.
fn fake(tool: &Tool, name: &str, script: &str) -> String {
    let bin = tool.folder.join("bin");
    tool::write(&bin.join(name), script);
    assert_eq!(tool::run("chmod", &["0755", name], &bin).status, 0);
    format!("{bin}:{}", std::env::var("PATH").unwrap())
}

/// Takes mock's arguments, reads the macros of its configuration and rebuilds the source RPM.
const MOCK: &str = r#"#!/bin/sh
set -eu
echo "mock $*" >>"$(dirname "$0")/calls"
while [ $# -gt 0 ]; do
    case $1 in
    --root) config=$2; shift ;;
    --resultdir) result=$2; shift ;;
    --uniqueext) shift ;;
    --rebuild) source=$2; shift ;;
    *) echo "mock: what is $1?" >&2; exit 2 ;;
    esac
    shift
done
work=$(mktemp -d)
sed -n "s/^config_opts\['macros'\]\['\(%[a-z_]*\)'\] = '\(.*\)'$/\1 \2/p" "$config" >"$work/macros"
root=$(sed -n "s/.*append(('\(.*\)', '\/needs'))$/\1/p" "$config")
grep -q "rpmbuild_networking'\] = False" "$config"
grep -q "^include('/etc/mock/debian-12-" "$config"
SOURCE_DATE_EPOCH=$(sed -n "s/.*SOURCE_DATE_EPOCH'\] = '\(.*\)'$/\1/p" "$config")
export SOURCE_DATE_EPOCH
rpm --define "_topdir $work" --install "$source"
rpmbuild --load "$work/macros" --define "_topdir $work" --define "needs_root $root" -bb "$work"/SPECS/*.spec
find "$work/RPMS" -name '*.rpm' -exec cp {} "$result" \;
cp "$source" "$result"
echo "gcc-12-1.x86_64 1 2 3" >"$result/installed_pkgs.log"
rm -rf "$work"
"#;

/// Knows podman's three commands; what runs in the container runs here, below the folder that is mounted.
const PODMAN: &str = r#"#!/bin/sh
set -eu
here=$(dirname "$0")
echo "podman $*" >>"$here/calls"
case $1 in
image) test -e "$here/image" ;;
build) cp "$5" "$here/image" ;;
run)
    shift
    case " $* " in *" --network=none "*) ;; *) echo "no --network=none" >&2; exit 2 ;; esac
    folder=
    while [ $# -gt 0 ]; do
        case $1 in
        --rm | --network=none) ;;
        --volume) folder=${2%%:*}; shift ;;
        --workdir) shift ;;
        --env) export "$2"; shift ;;
        calico-mesos-install/*) shift; break ;;
        *) echo "podman: what is $1?" >&2; exit 2 ;;
        esac
        shift
    done
    [ -z "$folder" ] || { cd "$folder"; HOME=$folder; export HOME; }
    for word; do
        shift
        [ -z "$folder" ] || word=$(printf '%s' "$word" | sed "s|/builddir|$folder|g")
        set -- "$@" "$word"
    done
    exec "$@"
    ;;
esac
"#;

#[test]
fn mock_and_a_container_make_the_same_packages_as_the_host() {
    let data = Data::new();
    let host = Tool::with_data(&data);
    assert_eq!(host.build_json(&[]).status, 0);
    for (backend, program, script) in [("mock", "mock", MOCK), ("container", "podman", PODMAN)] {
        let tool = Tool::with_data(&data);
        let path = fake(&tool, program, script);
        let profile = concat!(env!("CARGO_MANIFEST_DIR"), "/../specs/distros/debian12.toml");
        let profile = fs_err::read_to_string(profile).unwrap();
        data.write("distros/debian12.toml", &format!("mock = \"debian-12\"\n{profile}"));
        let build = || tool.build_with(&[("PATH", &path)], &["--backend", backend]);
        let built = build();
        assert_eq!(built.names("package-built"), ["base", "top"], "{backend}: {}", built.stderr);
        for file in ["top-1-1.noarch.rpm", "SRPMS/top-1-1.src.rpm"] {
            let read = |tool: &Tool| fs_err::read(tool.set().join(file)).unwrap();
            assert!(read(&host) == read(&tool), "{backend}: {file} differs");
        }
        assert_eq!(rpm(&["-qp"], &tool.set().join("top-1-1.noarch.rpm")).trim(), "top-1-1.noarch");
        let manifest = fs_err::read_to_string(tool.set().join("build.json")).unwrap();
        assert!(manifest.contains(&format!("\"backend\": \"{program}\"")), "{manifest}");
        let again = build();
        assert_eq!(again.names("package-unchanged"), ["base", "top"], "{backend}: {}", again.stderr);
        let calls = fs_err::read_to_string(tool.folder.join("bin/calls")).unwrap();
        let builds =
            calls.lines().filter(|call| call.contains("--rebuild") || call.contains(" -bb ")).count();
        assert_eq!(builds, 2, "{calls}");
    }
}

#[test]
fn a_back_end_that_is_not_here_is_named_with_what_to_do() {
    let data = Data::new();
    let tool = Tool::with_data(&data);
    let refused = |arguments: &[&str], said: &str| {
        // Everything that builds need, and neither mock nor podman nor docker.
        let bin = tool.folder.join("bin");
        fs_err::create_dir_all(&bin).unwrap();
        for program in ["rpmbuild", "createrepo_c", "tar", "rpm2cpio", "cpio", "rpm", "dpkg-query", "sh"] {
            let link = bin.join(program);
            let from = ["/usr/bin", "/bin"].map(|folder| format!("{folder}/{program}"));
            let from = from.iter().find(|path| std::path::Path::new(path).exists()).unwrap();
            let _ = std::os::unix::fs::symlink(from, link);
        }
        let result = tool.build_with(&[("PATH", bin.as_str())], arguments);
        assert_eq!(result.status, 2, "{arguments:?}: {}", result.stderr);
        assert!(result.stderr.contains(said), "{arguments:?}: {}", result.stderr);
    };
    refused(&["--backend", "container"], "podman or docker");
    refused(&["--backend", "mock"], "dnf install mock");
}
