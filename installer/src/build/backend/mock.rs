//! mock: a chroot made for one build, which mock itself cuts off from the network.

use super::{CommandLine, Task, place_macros};

/// Where the packages that the build needs are unpacked, inside the chroot.
const NEEDS: &str = "/needs";

/// Where mock builds, inside the chroot.
const TOPDIR: &str = "/builddir/build";

/// The command that builds in mock, with a configuration of its own that begins with mock's `config`.
pub(super) fn command(config: &str, task: &Task<'_>) -> CommandLine {
    let file = task.topdir.join("mock.cfg");
    let result = task.topdir.join("RPMS");
    let mut line = CommandLine::new(
        &[
            "mock",
            "--root",
            file.as_str(),
            "--uniqueext",
            task.package,
            "--resultdir",
            result.as_str(),
            "--rebuild",
            task.source_rpm.as_str(),
        ],
        task.topdir,
    );
    line.file = Some((file, configuration(config, task)));
    line
}

fn configuration(config: &str, task: &Task<'_>) -> String {
    let mut text = format!("include({})\n", quoted(&format!("/etc/mock/{config}.cfg")));
    text.push_str("config_opts['rpmbuild_networking'] = False\n");
    text.push_str(&format!(
        "config_opts['chroot_additional_packages'] = {}\n",
        quoted(&task.packages.join(" "))
    ));
    text.push_str("config_opts['plugin_conf']['package_state_enable'] = True\n");
    text.push_str(&format!(
        "config_opts['plugin_conf']['bind_mount_opts']['dirs'].append(({}, {}))\n",
        quoted(task.topdir.join("root").as_str()),
        quoted(NEEDS)
    ));
    let epoch = task.epoch.to_string();
    text.push_str(&format!("config_opts['environment']['SOURCE_DATE_EPOCH'] = {}\n", quoted(&epoch)));
    let own = ["_topdir", "_tmppath"];
    let places = place_macros(TOPDIR).into_iter().filter(|(name, _)| !own.contains(&name.as_str()));
    for (name, value) in places.chain(task.macros.iter().cloned()) {
        let value = if name == "needs_root" { NEEDS.to_owned() } else { value };
        text.push_str(&format!(
            "config_opts['macros'][{}] = {}\n",
            quoted(&format!("%{name}")),
            quoted(&value)
        ));
    }
    text
}

/// A string of Python.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{shown, task};
    use super::*;

    #[test]
    fn mock_is_told_everything_in_a_file() {
        let macros = [("_buildhost".to_owned(), "it's".to_owned())];
        let packages = ["gcc-c++".to_owned(), "make".to_owned()];
        let mut task = task(&macros);
        task.packages = &packages;
        insta::assert_snapshot!(shown(&command("rocky+epel-8-x86_64", &task)), @r#"
        in /out/.work/mesos
        mock
        --root
        /out/.work/mesos/mock.cfg
        --uniqueext
        mesos
        --resultdir
        /out/.work/mesos/RPMS
        --rebuild
        /out/.work/mesos/SRPMS/mesos-0.28.2-1.src.rpm
        -- /out/.work/mesos/mock.cfg
        include('/etc/mock/rocky+epel-8-x86_64.cfg')
        config_opts['rpmbuild_networking'] = False
        config_opts['chroot_additional_packages'] = 'gcc-c++ make'
        config_opts['plugin_conf']['package_state_enable'] = True
        config_opts['plugin_conf']['bind_mount_opts']['dirs'].append(('/out/.work/mesos/root', '/needs'))
        config_opts['environment']['SOURCE_DATE_EPOCH'] = '1464739200'
        config_opts['macros']['%needs_root'] = '/needs'
        config_opts['macros']['%reproducible_flags'] = '-ffile-prefix-map=/builddir/build=/usr/src'
        config_opts['macros']['%_buildhost'] = 'it\'s'
        "#);
    }
}
