<?php
/*
 * II-3: the document's program, as printed but for this.
 * - "< ?php" has lost its blank, and so have the URLs in $wsdl and $server.
 * - The class has lost the last of its closing braces, one more than it opens.
 * - The base URL is taken from the environment.
 * - The reply is printed.
 */

class numberwithdatas {
    var $to;
    var $data1;
    var $data2;
    var $data3;
    var $data4;
    var $data5;
    var $data6;
    var $data7;
    var $data8;
    var $data9;
    var $data10;
    function __construct(array $parameters){
        $datas = array();

foreach(array_keys(get_object_vars($this)) as $key) $datas[strtolower($key)] = $key;

    foreach($parameters as $key => $value) if(isset($datas[$key])) {
        $this->{$datas[strtolower($key)]} = utf8_encode($value);
    }
}

}

$wsdl = getenv("BASE_URL") . "/api/soap/wsdl/";

$server = getenv("BASE_URL") . "/api/soap/server/";

$options = array("location" =>$server, "trace"=>true, 'style'=> SOAP_DOCUMENT, 'use'=>
SOAP_LITERAL);

$api = new SoapClient($wsdl, $options);

$publipostage = array();

$publipostage[0] = new numberwithdatas(array("to"=>"07352518", "data1"=>"Philo",
"data2"=>"Developpeur Web"));

$publipostage[1] = new numberwithdatas(array("to"=>"05442710", "data1"=>"MALAMIN",
"data2"=>"Financial Manager"));

$smsdatas = array("login"=>"particulier@smseco.com",
"password"=>"123456", "msgid"=>"9876543210", "msg"=>"Bonjour {nom}, tu es {fonction}.",
"expediteur"=>"TEST", "datesend"=>"2015-06-21 16:49", "to"=>array("07352518",
"05442710"),"publipostage"=>$publipostage);

echo json_encode($api->Sendsms($smsdatas));

?>
