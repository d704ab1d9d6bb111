//! Tasks of Marathon on an agent, all as built: launched, found again, ended.

use serde_json::{Value, json};

use crate::cluster::Cluster;

/// A task that says who it is, and where it is found: its process is the shell's.
const COMMAND: &str = "echo $$ >pid; echo \"$MESOS_TASK_ID on $HOST:$PORT0 with $COLOUR, of $MARATHON_APP_LABEL_OWNER\"; exec sleep 600";

impl Cluster {
    fn app(&self, host: u8, id: &str) -> Option<Value> {
        Some(self.json(host, 8080, &format!("/v2/apps{id}"))?["app"].clone())
    }

    /// The one task of an app that runs, asked of an instance of Marathon.
    fn running(&self, host: u8, id: &str) -> Option<Value> {
        let app = self.app(host, id)?;
        let done = app["tasksRunning"] == 1 && app["deployments"] == json!([]);
        done.then(|| app["tasks"][0].clone())
    }

    fn put(&self, id: &str, app: &Value) {
        let (status, answer) = self.api(6, "PUT", &format!("/v2/apps{id}"), app);
        assert!(matches!(status, 200 | 201), "{answer}");
    }

    /// A file in the sandbox of a task.
    fn in_sandbox(&self, task: &Value, file: &str) -> Option<String> {
        let state = self.json(5, 5051, "/state")?;
        let executors = state["frameworks"][0]["executors"].as_array()?.clone();
        let executor = executors.iter().find(|executor| executor["id"] == task["id"])?;
        fs_err::read_to_string(format!("{}/{file}", executor["directory"].as_str()?)).ok()
    }

    pub(crate) fn tasks_run_and_outlive_restarts(&self) {
        let _first_master = self.start_master(2);
        let second_master = self.start_master(3);
        let agent = self.start_agent("rack:a");
        let marathon = self.start_marathon(6);
        self.until("an instance leads", || Some(self.json(6, 8080, "/v2/info")?["elected"] == true));
        let _other = self.start_marathon(7);

        let app = json!({"cmd": COMMAND, "cpus": 0.1, "mem": 16, "env": {"COLOUR": "blue"}, "labels": {"OWNER": "sales"}});
        self.put("/shop/web", &app);
        self.until("the task runs", || Some(self.running(6, "/shop/web").is_some()));
        let task = self.running(6, "/shop/web").unwrap();
        let id = task["id"].as_str().unwrap().to_owned();
        assert!(id.starts_with("shop_web."), "{id}");
        assert_eq!(
            (&task["host"], &task["ipAddresses"][0]["ipAddress"]),
            (&"agent".into(), &self.address(5).into())
        );
        let port = task["ports"][0].as_u64().unwrap();
        let said = format!("{id} on agent:{port} with blue, of sales\n");
        self.until("it says who it is", || Some(self.in_sandbox(&task, "stdout")? == said));
        let pid: i32 = self.in_sandbox(&task, "pid").unwrap().trim().parse().unwrap();
        self.masters_and_agents_tell_of_it(&id);
        self.until("the other instance knows it", || Some(self.running(7, "/shop/web")? == task));
        self.what_cannot_be_launched_waits();
        self.a_task_that_fails_is_followed_by_another();

        // Who looks after it may come and go.
        drop(agent);
        let _agent = self.start_agent("rack:a");
        self.until("the agent has its task again", || {
            Some(self.metric(5, 5051, "slave/tasks_running")? == 1.0)
        });
        drop(marathon);
        self.until("the other instance leads", || Some(self.json(7, 8080, "/v2/info")?["elected"] == true));
        drop(second_master);
        let _third_master = self.start_master(4);
        self.until("a master leads that knows the task", || {
            let leads = |host| self.metric(host, 5050, "master/elected").unwrap_or(0.0) == 1.0;
            let leader = [2, 4].into_iter().find(|host| leads(*host))?;
            Some(self.metric(leader, 5050, "master/tasks_running")? == 1.0)
        });
        self.until("it is one task still", || Some(self.running(7, "/shop/web").is_some()));
        assert_eq!(self.running(7, "/shop/web").unwrap()["id"], id.as_str());
        assert_eq!(command_of(pid), Some("sleep".to_owned()), "its process is the same");

        let (status, _) = self.api(7, "DELETE", "/v2/groups/shop?force=true", &Value::Null);
        assert_eq!(status, 200);
        self.until("the group is gone with its task", || {
            Some(self.get(7, 8080, "/v2/groups/shop")?.0 == 404)
        });
        assert_eq!(command_of(pid), None, "nothing is left of it");
        assert_eq!(self.api(7, "DELETE", "/v2/groups/shop?force=true", &Value::Null).0, 404);
    }

    fn masters_and_agents_tell_of_it(&self, id: &str) {
        let leader =
            [2, 3].into_iter().find(|host| self.metric(*host, 5050, "master/elected") == Some(1.0)).unwrap();
        let state = self.json(leader, 5050, "/state").unwrap();
        let framework = &state["frameworks"][0];
        assert_eq!((&framework["name"], &framework["active"]), (&"marathon".into(), &true.into()));
        let task = &framework["tasks"][0];
        assert_eq!((&task["id"], &task["name"]), (&id.into(), &"web.shop".into()));
        assert_eq!(task["labels"], json!([{"key": "OWNER", "value": "sales"}]));
        let last = task["statuses"].as_array().unwrap().last().unwrap();
        let address = "/container_status/network_infos/0/ip_addresses/0/ip_address";
        assert_eq!(
            (&last["state"], last.pointer(address)),
            (&"TASK_RUNNING".into(), Some(&self.address(5).into()))
        );
        assert_eq!(state["slaves"][0]["used_resources"]["mem"], 16.0);
        assert_eq!(self.metric(leader, 5050, "master/tasks_running"), Some(1.0));
    }

    fn what_cannot_be_launched_waits(&self) {
        let app = |more: Value| {
            let mut app = json!({"cmd": "sleep 600", "cpus": 0.1, "mem": 16});
            app.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            app
        };
        self.put("/shop/nowhere", &app(json!({"constraints": [["rack", "CLUSTER", "b"]]})));
        self.put("/shop/large", &app(json!({"cpus": 10000})));
        self.put("/shop/docker", &app(json!({"container": {"type": "DOCKER", "docker": {"image": "x"}}})));
        self.put("/shop/spread", &app(json!({"instances": 2, "constraints": [["hostname", "UNIQUE"]]})));
        self.until("what can be launched is", || Some(self.app(6, "/shop/spread")?["tasksRunning"] == 1));
        self.until("it is told why", || {
            let failure = self.app(6, "/shop/docker")?["lastTaskFailure"]["message"].clone();
            Some(failure.as_str()?.contains("it needs the containerizer docker"))
        });
        let (_, queue) = self.api(6, "GET", "/v2/queue", &Value::Null);
        let waiting: Vec<_> = queue["queue"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| (entry["app"]["id"].as_str().unwrap(), entry["count"].as_u64().unwrap()))
            .collect();
        assert_eq!(
            waiting,
            [("/shop/docker", 1), ("/shop/large", 1), ("/shop/nowhere", 1), ("/shop/spread", 1)]
        );
        // One that is no longer wanted is ended, and the others go on as they are.
        let group = json!({"apps": [self.definition("/shop/web")]});
        assert_eq!(self.api(6, "PUT", "/v2/groups/shop", &group).0, 200);
        self.until("one task is left", || {
            Some(self.json(6, 8080, "/v2/tasks")?["tasks"].as_array()?.len() == 1)
        });
        assert!(self.running(6, "/shop/web").is_some(), "it was not changed");
    }

    fn definition(&self, id: &str) -> Value {
        let app = self.app(6, id).unwrap();
        json!({"id": id, "cmd": app["cmd"], "cpus": app["cpus"], "mem": app["mem"], "env": app["env"], "labels": app["labels"]})
    }

    fn a_task_that_fails_is_followed_by_another(&self) {
        self.put("/brief", &json!({"cmd": "echo tired >&2; exit 3", "cpus": 0.1, "mem": 16}));
        let failed = || self.app(6, "/brief").map(|app| app["lastTaskFailure"].clone());
        self.until("it has failed", || {
            Some(failed()?["message"].as_str()? == "Command exited with status 3")
        });
        let first = failed().unwrap()["taskId"].clone();
        self.until("another one was launched", || Some(failed()?["taskId"] != first));
        assert_eq!(self.api(6, "DELETE", "/v2/apps/brief", &Value::Null).0, 200);
        self.until("it is gone", || Some(self.json(6, 8080, "/v2/tasks")?["tasks"].as_array()?.len() == 1));
    }
}

/// What a process runs, if there is such a process.
fn command_of(pid: i32) -> Option<String> {
    fs_err::read_to_string(format!("/proc/{pid}/comm")).ok().map(|name| name.trim().to_owned())
}
